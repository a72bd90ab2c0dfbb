#include "norms.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "../cuda/device.h"
#include "products.h"

namespace tascnet {
namespace {

constexpr std::size_t kSliceElements = 65536;
constexpr std::size_t kMostParts = 64;
constexpr std::size_t kWidened = 4096;  // narrow elements that are widened at once; both operands fit the first cache
constexpr std::size_t kShortRun = 16;  // below this many elements in a row, whole rows are added up side by side

void combine(Reduction reduction, double& into, double value) {
  if (reduction == Reduction::linf) {
    into = into >= value || std::isnan(into) ? into : value;
  } else {
    into += value;
  }
}

// Two tensors of the same kind and shape, or one.
struct Operands {
  const Elements& x;
  const Elements* other;

  // Calls use(x, other, offset, count) for pieces of `length` elements behind `from`.
  template <class Use>
  void pieces(std::size_t from, std::size_t length, Use use) const {
    float wide[2][kWidened];
    const std::size_t step = x.narrow() ? kWidened : length;
    for (std::size_t done = 0; done < length; done += step) {
      const std::size_t count = std::min(step, length - done);
      const float* const second = other == nullptr ? nullptr : other->read(from + done, count, wide[1]);
      use(x.read(from + done, count, wide[0]), second, done, count);
    }
  }

  double reduce(Reduction reduction, std::size_t from, std::size_t length) const {
    double total = 0;
    pieces(from, length, [&](const float* a, const float* b, std::size_t, std::size_t count) {
      combine(reduction, total, kernels().reduce(reduction, a, b, count));
    });
    return total;
  }

  void accumulate(Reduction reduction, double* sums, std::size_t from, std::size_t length) const {
    pieces(from, length, [&](const float* a, const float* b, std::size_t done, std::size_t count) {
      kernels().accumulate(reduction, sums + done, a, b, count);
    });
  }
};

// One run of consecutive elements per channel: slices are blocks of channels, and pieces of the run where it is long.
void reduceRuns(const Channels& x, const Elements* other, Reduction reduction, double* scores,
                const CancelFlag& cancel) {
  const Operands operands = {x.data, other};
  const std::size_t pieces = std::max<std::size_t>(1, ceilDivide(x.inner, kSliceElements));
  const std::size_t perSlice = std::max<std::size_t>(1, kSliceElements / std::max<std::size_t>(1, x.inner));
  std::vector<double> partial(pieces * x.channels);
  parallelFor(ceilDivide(x.channels, perSlice) * pieces, cancel, [&](std::size_t slice) {
    const std::size_t piece = slice % pieces;
    const std::size_t begin = piece * kSliceElements;
    const std::size_t length = std::min(kSliceElements, x.inner - begin);
    const std::size_t first = slice / pieces * perSlice;
    for (std::size_t c = first; c < std::min(x.channels, first + perSlice); ++c) {
      partial[c * pieces + piece] = operands.reduce(reduction, c * x.inner + begin, length);
    }
  });
  for (std::size_t c = 0; c < x.channels; ++c) {
    scores[c] = 0;
    for (std::size_t piece = 0; piece < pieces; ++piece) combine(reduction, scores[c], partial[c * pieces + piece]);
  }
}

// Several outer indices: slices are blocks of them, each with scores of its own.
void reduceRows(const Channels& x, const Elements* other, Reduction reduction, double* scores,
                const CancelFlag& cancel) {
  const Operands operands = {x.data, other};
  const std::size_t row = x.channels * x.inner;
  const std::size_t perSlice = std::max({std::size_t{1}, kSliceElements / row, ceilDivide(x.outer, kMostParts)});
  const std::size_t parts = ceilDivide(x.outer, perSlice);
  const bool sideBySide = x.inner < kShortRun;
  const std::size_t width = sideBySide ? row : x.channels;
  std::vector<double> partial(parts * width);
  parallelFor(parts, cancel, [&](std::size_t part) {
    double* const own = partial.data() + part * width;
    for (std::size_t o = part * perSlice; o < std::min(x.outer, (part + 1) * perSlice); ++o) {
      if (sideBySide) {
        operands.accumulate(reduction, own, o * row, row);
        continue;
      }
      for (std::size_t c = 0; c < x.channels; ++c) {
        combine(reduction, own[c], operands.reduce(reduction, o * row + c * x.inner, x.inner));
      }
    }
  });
  std::fill(scores, scores + x.channels, 0.0);
  const std::size_t repeat = width / x.channels;
  for (std::size_t part = 0; part < parts; ++part) {
    for (std::size_t i = 0; i < width; ++i) combine(reduction, scores[i / repeat], partial[part * width + i]);
  }
}

}  // namespace

void reduceChannels(const Channels& x, const Elements* other, Reduction reduction, double* scores,
                    const CancelFlag& cancel) {
  if (x.channels == 0 || x.positions() == 0) {
    std::fill(scores, scores + x.channels, 0.0);
  } else if (reduceOnDevice(x, other, reduction, scores)) {
    return;
  } else if (x.outer == 1) {
    reduceRuns(x, other, reduction, scores, cancel);
  } else {
    reduceRows(x, other, reduction, scores, cancel);
  }
}

void lamp(const Channels& x, double* scores, const CancelFlag& cancel) {
  std::vector<double> squares(x.channels);
  reduceChannels(x, nullptr, Reduction::sumSquares, squares.data(), cancel);
  std::vector<std::size_t> order(x.channels);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const bool unordered = std::isnan(squares[a]) || std::isnan(squares[b]);
    if (unordered && std::isnan(squares[a]) != std::isnan(squares[b])) return std::isnan(squares[b]);
    return !unordered && squares[a] != squares[b] ? squares[a] < squares[b] : a < b;
  });
  double larger = 0;
  for (std::size_t i = x.channels; i-- > 0;) {
    const double square = squares[order[i]];
    larger += square;
    scores[order[i]] = larger == 0 ? 0 : square / larger;
  }
}

void geometricMedian(const Channels& x, double* scores, const CancelFlag& cancel) {
  Buffer<double> squares = lowerProducts(x, Pairing::squaredDistance, cancel);
  mirror(squares.data(), x.channels, cancel);
  parallelFor(x.channels, cancel, [&](std::size_t c) {
    scores[c] = 0;
    for (std::size_t d = 0; d < x.channels; ++d) scores[c] += std::sqrt(squares[c * x.channels + d]);
  });
}

}  // namespace tascnet
