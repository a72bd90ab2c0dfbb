#include "products.h"

#include <algorithm>
#include <vector>

#include "../buffer.h"
#include "../cuda/device.h"
#include "../simd/kernels.h"

namespace tascnet {
namespace {

constexpr std::size_t kBlock = 256;        // positions summed in float
constexpr std::size_t kChunk = 4 * kBlock; // positions packed at once by one thread
constexpr std::size_t kPacked = std::size_t{1} << 22;  // floats that all threads together pack at once, about
constexpr std::size_t kTileChannels = 64;  // channels of either side in one slice of work
constexpr std::size_t kFewChannels = 128;  // up to here the positions are divided among the threads, not the entries
constexpr std::size_t kParts = 8;
constexpr std::size_t kLeastPart = 128;    // positions that are worth a part of their own
constexpr std::size_t kRows = 16;          // rows of sums in one slice of work
constexpr std::size_t kWidened = 8192;     // narrow elements that are widened at once

// Channels [begin, begin + count) and positions [from, from + length) as a panel of the kernels.
void pack(const Channels& x, std::size_t begin, std::size_t count, std::size_t from, std::size_t length, float* panel) {
  const Kernels& simd = kernels();
  const std::size_t width = simd.columns;
  if (x.inner == 1) {
    for (std::size_t k = 0; k < length; ++k) {
      const float* const row = x.data.read((from + k) * x.channels + begin, count, panel + k * width);
      if (!x.data.narrow()) std::copy(row, row + count, panel + k * width);
      std::fill(panel + k * width + count, panel + (k + 1) * width, 0.0F);
    }
    return;
  }
  float wide[kWidened];
  for (std::size_t done = 0; done < length;) {
    const std::size_t outer = (from + done) / x.inner;
    const std::size_t offset = (from + done) % x.inner;
    const std::size_t first = (outer * x.channels + begin) * x.inner + offset;
    std::size_t run = std::min(length - done, x.inner - offset);
    if (x.data.narrow()) {
      run = std::min(run, kWidened / count);
      for (std::size_t c = 0; c < count; ++c) x.data.read(first + c * x.inner, run, wide + c * run);
      simd.packRuns(wide, run, count, run, panel + done * width);
    } else {
      simd.packRuns(x.data.floats() + first, x.inner, count, run, panel + done * width);
    }
    done += run;
  }
}

// All channels of a matrix over one chunk of positions, panel after panel.
class Packed {
 public:
  Packed(const Channels& x, std::size_t chunk)
      : x_(x), panels_(ceilDivide(x.channels, kernels().columns)), chunk_(std::min(chunk, x.positions())),
        data_(panels_ * kernels().columns * chunk_) {}

  std::size_t panels() const { return panels_; }
  const float* panel(std::size_t index) const { return data_.data() + index * kernels().columns * chunk_; }

  void fill(std::size_t index, std::size_t from, std::size_t length) {
    const std::size_t begin = index * kernels().columns;
    const std::size_t count = std::min(kernels().columns, x_.channels - begin);
    pack(x_, begin, count, from, length, data_.data() + index * kernels().columns * chunk_);
  }

 private:
  const Channels& x_;
  std::size_t panels_;
  std::size_t chunk_;
  Buffer<float> data_;
};

struct Task {
  const Channels& x;
  const Channels& y;
  Pairing pairing;
  bool symmetric;  // of the sums those on and below the diagonal alone are written

  std::size_t tilePanels() const { return std::max<std::size_t>(1, kTileChannels / kernels().columns); }

  // Entries of tile i of the left side with tile j of the right one, added to `sums` or, where `first`, put there. They
  // are summed in a place of their own, which stays in the first caches.
  void addTiles(const Packed& left, const Packed& right, std::size_t i, std::size_t j, std::size_t length, bool first,
                double* sums) const {
    const Kernels& simd = kernels();
    const auto tile = pairing == Pairing::dot ? simd.dotTile : simd.distanceTile;
    const std::size_t firstRow = i * tilePanels() * simd.columns;
    const std::size_t firstColumn = j * tilePanels() * simd.columns;
    const std::size_t lastLeft = std::min(left.panels(), (i + 1) * tilePanels());
    const std::size_t lastRight = std::min(right.panels(), (j + 1) * tilePanels());
    alignas(64) double own[kTileChannels * kTileChannels] = {};
    for (std::size_t from = 0; from < length; from += kBlock) {
      const std::size_t step = std::min(kBlock, length - from);
      for (std::size_t p = i * tilePanels(); p < lastLeft; ++p) {
        for (std::size_t q = j * tilePanels(); q < (symmetric ? std::min(p + 1, lastRight) : lastRight); ++q) {
          const std::size_t there = std::min(simd.columns, y.channels - q * simd.columns);
          for (std::size_t r = 0; r < simd.columns && p * simd.columns + r < x.channels; r += simd.rows) {
            const std::size_t row = p * simd.columns + r - firstRow;
            const std::size_t columns = symmetric && p == q ? std::min(there, r + simd.rows) : there;
            tile(left.panel(p) + from * simd.columns + r, right.panel(q) + from * simd.columns, step,
                 own + row * kTileChannels + q * simd.columns - firstColumn, kTileChannels, columns);
          }
        }
      }
    }
    const std::size_t rows = std::min(lastLeft * simd.columns, x.channels) - firstRow;
    const std::size_t columns = std::min(lastRight * simd.columns, y.channels) - firstColumn;
    for (std::size_t row = 0; row < rows; ++row) {
      double* const out = sums + (firstRow + row) * y.channels + firstColumn;
      const std::size_t count = symmetric && i == j ? std::min(columns, row + 1) : columns;
      const double* const from = own + row * kTileChannels;
      if (first) {
        std::copy(from, from + count, out);
      } else {
        for (std::size_t column = 0; column < count; ++column) out[column] += from[column];
      }
    }
  }

  std::size_t tilesOf(const Packed& side) const { return ceilDivide(side.panels(), tilePanels()); }
};

// Many channels: one chunk of positions after the other, its entries divided among the threads.
void addByEntries(const Task& task, bool fresh, double* sums, const CancelFlag& cancel) {
  const std::size_t channels = task.x.channels + (task.symmetric ? 0 : task.y.channels);
  const std::size_t chunk = std::max(kChunk, kPacked / channels / kBlock * kBlock);
  Packed left(task.x, chunk);
  std::vector<Packed> other;
  if (!task.symmetric) other.emplace_back(task.y, chunk);
  const Packed& right = task.symmetric ? left : other.front();
  std::vector<std::pair<std::size_t, std::size_t>> tiles;
  for (std::size_t i = task.tilesOf(left); i-- > 0;) {
    for (std::size_t j = 0; j < (task.symmetric ? i + 1 : task.tilesOf(right)); ++j) tiles.emplace_back(i, j);
  }
  for (std::size_t from = 0; from < task.x.positions(); from += chunk) {
    const std::size_t length = std::min(chunk, task.x.positions() - from);
    parallelFor(left.panels() + (task.symmetric ? 0 : right.panels()), cancel, [&](std::size_t slice) {
      if (slice < left.panels()) {
        left.fill(slice, from, length);
      } else {
        other.front().fill(slice - left.panels(), from, length);
      }
    });
    parallelFor(tiles.size(), cancel, [&](std::size_t slice) {
      task.addTiles(left, right, tiles[slice].first, tiles[slice].second, length, fresh && from == 0, sums);
    });
  }
}

// Few channels: the positions are divided among the threads, each part with sums of its own, added up in order.
void addByPositions(const Task& task, bool fresh, double* sums, const CancelFlag& cancel) {
  const std::size_t columns = task.y.channels;
  const std::size_t entries = task.x.channels * columns;
  const std::size_t pieces = ceilDivide(task.x.positions(), kLeastPart);
  const std::size_t parts = std::min(kParts, pieces);
  Buffer<double> partial(parts * entries);
  parallelFor(parts, cancel, [&](std::size_t part) {
    Packed left(task.x, kChunk);
    std::vector<Packed> other;
    if (!task.symmetric) other.emplace_back(task.y, kChunk);
    const Packed& right = task.symmetric ? left : other.front();
    const std::size_t begin = part * pieces / parts * kLeastPart;
    const std::size_t end = std::min(task.x.positions(), (part + 1) * pieces / parts * kLeastPart);
    for (std::size_t from = begin; from < end; from += kChunk) {
      cancel.check();
      const std::size_t length = std::min(kChunk, end - from);
      for (std::size_t p = 0; p < left.panels(); ++p) left.fill(p, from, length);
      if (!task.symmetric) {
        for (std::size_t p = 0; p < right.panels(); ++p) other.front().fill(p, from, length);
      }
      for (std::size_t i = 0; i < task.tilesOf(left); ++i) {
        for (std::size_t j = 0; j < (task.symmetric ? i + 1 : task.tilesOf(right)); ++j) {
          task.addTiles(left, right, i, j, length, from == begin, partial.data() + part * entries);
        }
      }
    }
  });
  parallelFor(ceilDivide(task.x.channels, kRows), cancel, [&](std::size_t slice) {
    for (std::size_t i = slice * kRows; i < std::min(task.x.channels, (slice + 1) * kRows); ++i) {
      const std::size_t count = task.symmetric ? i + 1 : columns;
      double* const row = sums + i * columns;
      if (fresh) std::fill(row, row + count, 0.0);
      for (std::size_t part = 0; part < parts; ++part) {
        const double* const more = partial.data() + part * entries + i * columns;
        for (std::size_t j = 0; j < count; ++j) row[j] += more[j];
      }
    }
  });
}

// Into `sums` or, where they are fresh memory, in place of what is there.
void run(const Task& task, bool fresh, double* sums, const CancelFlag& cancel) {
  if (task.x.channels == 0 || task.y.channels == 0) return;
  if (task.x.positions() == 0) {
    if (fresh) std::fill(sums, sums + task.x.channels * task.y.channels, 0.0);
    return;
  }
  const bool few = task.x.channels <= kFewChannels && task.y.channels <= kFewChannels;
  few ? addByPositions(task, fresh, sums, cancel) : addByEntries(task, fresh, sums, cancel);
}

}  // namespace

void addProducts(const Channels& x, const Channels& y, Pairing pairing, double* sums, const CancelFlag& cancel) {
  run({x, y, pairing, false}, false, sums, cancel);
}

Buffer<double> lowerProducts(const Channels& x, Pairing pairing, const CancelFlag& cancel) {
  Buffer<double> sums(x.channels * x.channels);
  if (!pairsOnDevice(x, pairing == Pairing::squaredDistance, sums.data())) {
    run({x, x, pairing, true}, true, sums.data(), cancel);
  }
  return sums;
}

void addLower(double* sums, const double* more, std::size_t count) {
  parallelFor(ceilDivide(count, kRows), CancelFlag(), [&](std::size_t slice) {
    for (std::size_t i = slice * kRows; i < std::min(count, (slice + 1) * kRows); ++i) {
      for (std::size_t j = 0; j <= i; ++j) sums[i * count + j] += more[i * count + j];
    }
  });
}

void mirror(double* matrix, std::size_t count, const CancelFlag& cancel) {
  parallelFor(ceilDivide(count, kRows), cancel, [&](std::size_t slice) {
    const std::size_t end = std::min(count, (slice + 1) * kRows);
    for (std::size_t from = 0; from < end; from += kRows) {
      for (std::size_t i = slice * kRows; i < end; ++i) {
        for (std::size_t j = from; j < std::min(i, from + kRows); ++j) matrix[j * count + i] = matrix[i * count + j];
      }
    }
  });
}

}  // namespace tascnet
