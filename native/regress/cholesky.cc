#include "cholesky.h"

#include <algorithm>
#include <cmath>

#include "../buffer.h"
#include "../simd/kernels.h"

namespace tascnet {
namespace {

constexpr std::size_t kBlock = 128;         // rows and columns eliminated at once
constexpr std::size_t kTilePanels = 4;      // panels of either side in one slice of work
constexpr std::size_t kColumnsPerSlice = 64;

// Channels (rows of a left side, columns of a right side) of which element k lies at data[channel · across + k · along].
struct Side {
  const double* data;
  std::size_t channels;
  std::size_t across;
  std::size_t along;
};

Buffer<double> pack(const Side& side, std::size_t length, const CancelFlag& cancel) {
  const std::size_t width = kernels().columnsDouble;
  const std::size_t panels = ceilDivide(side.channels, width);
  Buffer<double> packed(panels * width * length);
  parallelFor(panels, cancel, [&](std::size_t p) {
    double* const panel = packed.data() + p * width * length;
    for (std::size_t k = 0; k < length; ++k) {
      for (std::size_t c = 0; c < width; ++c) {
        const std::size_t channel = p * width + c;
        panel[k * width + c] =
            channel < side.channels ? side.data[channel * side.across + k * side.along] : 0.0;
      }
    }
  });
  return packed;
}

// c[i · ldc + j] −= Σ_k left_i(k) · right_j(k); with lowerOnly some tiles wholly above the diagonal are left out.
void subtractProduct(const Side& left, const Side& right, std::size_t length, double* c, std::size_t ldc,
                     bool lowerOnly, const CancelFlag& cancel) {
  if (left.channels == 0 || right.channels == 0 || length == 0) return;
  const Kernels& simd = kernels();
  const std::size_t width = simd.columnsDouble;
  const Buffer<double> a = pack(left, length, cancel);
  const Buffer<double> b = pack(right, length, cancel);
  const std::size_t side = kTilePanels * width;
  const std::size_t tileColumns = ceilDivide(right.channels, side);
  parallelFor(ceilDivide(left.channels, side) * tileColumns, cancel, [&](std::size_t slice) {
    const std::size_t rowBegin = slice / tileColumns * side;
    const std::size_t columnBegin = slice % tileColumns * side;
    const std::size_t rowEnd = std::min(left.channels, rowBegin + side);
    if (lowerOnly && columnBegin >= rowEnd) return;
    for (std::size_t j = columnBegin; j < std::min(right.channels, columnBegin + side); j += width) {
      for (std::size_t i = rowBegin; i < rowEnd; i += simd.rows) {
        if (lowerOnly && j >= i + simd.rows) continue;
        simd.subtractTile(a.data() + i / width * width * length + i % width, b.data() + j * length, length,
                          c + i * ldc + j, ldc, std::min(simd.rows, left.channels - i),
                          std::min(width, right.channels - j));
      }
    }
  });
}

bool factoriseBlock(double* matrix, std::size_t n, std::size_t size, const double* diagonal) {
  for (std::size_t j = 0; j < size; ++j) {
    double* const row = matrix + j * n;
    double pivot = row[j];
    for (std::size_t k = 0; k < j; ++k) pivot -= row[k] * row[k];
    // What is left of the diagonal after elimination is noise once it is far below the size of what was there.
    if (!(pivot > 1e-14 * diagonal[j])) return false;
    row[j] = std::sqrt(pivot);
    for (std::size_t i = j + 1; i < size; ++i) {
      double* const below = matrix + i * n;
      double sum = below[j];
      for (std::size_t k = 0; k < j; ++k) sum -= below[k] * row[k];
      below[j] = sum / row[j];
    }
  }
  return true;
}

// Rows below a factorised block: each becomes row · L⁻ᵀ.
void solveRow(double* row, const double* block, std::size_t n, std::size_t size) {
  for (std::size_t j = 0; j < size; ++j) {
    const double* const factors = block + j * n;
    double sum = row[j];
    for (std::size_t k = 0; k < j; ++k) sum -= row[k] * factors[k];
    row[j] = sum / factors[j];
  }
}

}  // namespace

bool factorise(double* matrix, std::size_t n, const CancelFlag& cancel) {
  Buffer<double> diagonal(std::max<std::size_t>(1, n));
  for (std::size_t i = 0; i < n; ++i) diagonal[i] = matrix[i * n + i];
  for (std::size_t begin = 0; begin < n; begin += kBlock) {
    const std::size_t size = std::min(kBlock, n - begin);
    double* const block = matrix + begin * n + begin;
    if (!factoriseBlock(block, n, size, diagonal.data() + begin)) return false;
    const std::size_t rest = n - begin - size;
    double* const below = block + size * n;
    parallelFor(ceilDivide(rest, 16), cancel, [&](std::size_t slice) {
      for (std::size_t i = slice * 16; i < std::min(rest, slice * 16 + 16); ++i) solveRow(below + i * n, block, n, size);
    });
    const Side side = {below, rest, n, 1};
    subtractProduct(side, side, size, below + size, n, true, cancel);
  }
  return true;
}

void solveFactorised(const double* factor, std::size_t n, double* right, std::size_t columns, const CancelFlag& cancel) {
  const Kernels& simd = kernels();
  const auto eachColumns = [&](const auto& body) {
    parallelFor(ceilDivide(columns, kColumnsPerSlice), cancel, [&](std::size_t slice) {
      const std::size_t first = slice * kColumnsPerSlice;
      body(first, std::min(kColumnsPerSlice, columns - first));
    });
  };
  for (std::size_t begin = 0; begin < n; begin += kBlock) {
    const std::size_t size = std::min(kBlock, n - begin);
    eachColumns([&](std::size_t first, std::size_t count) {
      for (std::size_t i = begin; i < begin + size; ++i) {
        double* const row = right + i * columns + first;
        for (std::size_t k = begin; k < i; ++k) {
          simd.addScaled(row, -factor[i * n + k], right + k * columns + first, count);
        }
        for (std::size_t j = 0; j < count; ++j) row[j] /= factor[i * n + i];
      }
    });
    const std::size_t rest = n - begin - size;
    subtractProduct({factor + (begin + size) * n + begin, rest, n, 1}, {right + begin * columns, columns, 1, columns},
                    size, right + (begin + size) * columns, columns, false, cancel);
  }
  for (std::size_t end = n; end > 0;) {
    const std::size_t begin = (end - 1) / kBlock * kBlock;
    eachColumns([&](std::size_t first, std::size_t count) {
      for (std::size_t i = end; i-- > begin;) {
        double* const row = right + i * columns + first;
        for (std::size_t k = i + 1; k < end; ++k) {
          simd.addScaled(row, -factor[k * n + i], right + k * columns + first, count);
        }
        for (std::size_t j = 0; j < count; ++j) row[j] /= factor[i * n + i];
      }
    });
    subtractProduct({factor + begin * n, begin, 1, n}, {right + begin * columns, columns, 1, columns}, end - begin,
                    right, columns, false, cancel);
    end = begin;
  }
}

}  // namespace tascnet
