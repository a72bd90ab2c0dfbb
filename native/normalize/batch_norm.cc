#include "batch_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "../parallel.h"
#include "../simd/kernels.h"

namespace tascnet {
namespace {

constexpr std::size_t kSliceElements = 32768;
constexpr std::size_t kFloatRows = 128;  // summed in float before they are added in double

std::size_t rowsOfSlice(const Rows2D& x) { return std::max<std::size_t>(1, kSliceElements / x.channels); }

// Two sums for each channel. add(from, rows, first, second) adds those of some rows.
struct Sums {
  std::vector<double> first;
  std::vector<double> second;
};

template <class Add>
Sums sumOver(const Rows2D& x, Add add) {
  const std::size_t perSlice = rowsOfSlice(x);
  const std::size_t slices = ceilDivide(x.rows, perSlice);
  std::vector<double> partial(slices * 2 * x.channels);
  parallelFor(slices, CancelFlag(), [&](std::size_t slice) {
    double* const first = partial.data() + slice * 2 * x.channels;
    const std::size_t end = std::min(x.rows, (slice + 1) * perSlice);
    for (std::size_t row = slice * perSlice; row < end; row += kFloatRows) {
      add(row * x.channels, std::min(kFloatRows, end - row), first, first + x.channels);
    }
  });
  Sums sums = {std::vector<double>(x.channels), std::vector<double>(x.channels)};
  for (std::size_t slice = 0; slice < slices; ++slice) {
    const double* const first = partial.data() + slice * 2 * x.channels;
    for (std::size_t c = 0; c < x.channels; ++c) {
      sums.first[c] += first[c];
      sums.second[c] += first[x.channels + c];
    }
  }
  return sums;
}

// work(from, rows) for slices of all rows.
template <class Work>
void overSlices(const Rows2D& x, Work work) {
  const std::size_t perSlice = rowsOfSlice(x);
  parallelFor(ceilDivide(x.rows, perSlice), CancelFlag(), [&](std::size_t slice) {
    const std::size_t begin = slice * perSlice;
    work(begin * x.channels, std::min(perSlice, x.rows - begin));
  });
}

}  // namespace

void batchNorm(const Rows2D& x, const float* scale, const float* bias, float epsilon, float* y, float* mean,
               float* variance) {
  if (x.rows == 0 || x.channels == 0) return;
  const Kernels& simd = kernels();
  // Counted from the first row, sums of squares lose nothing where a mean is large beside the deviations.
  const float* const center = x.data;
  const Sums sums = sumOver(x, [&](std::size_t from, std::size_t rows, double* first, double* second) {
    simd.addMoments(x.data + from, center, rows, x.channels, first, second);
  });
  std::vector<float> factor(x.channels);
  const auto count = static_cast<double>(x.rows);
  for (std::size_t c = 0; c < x.channels; ++c) {
    const double shift = sums.first[c] / count;
    // A NaN stays one.
    const double spread = sums.second[c] / count - shift * shift;
    mean[c] = static_cast<float>(static_cast<double>(center[c]) + shift);
    variance[c] = static_cast<float>(spread < 0 ? 0 : spread);
    factor[c] = static_cast<float>(scale[c] / std::sqrt(static_cast<double>(variance[c]) + epsilon));
  }
  overSlices(x, [&](std::size_t from, std::size_t rows) {
    simd.scaleRows(x.data + from, mean, factor.data(), bias, rows, x.channels, y + from);
  });
}

void batchNormGradient(const float* gradient, const Rows2D& x, const float* scale, const float* mean,
                       const float* variance, float epsilon, const BatchNormGradient& result) {
  if (x.rows == 0 || x.channels == 0) return;
  const Kernels& simd = kernels();
  const Sums sums = sumOver(x, [&](std::size_t from, std::size_t rows, double* first, double* second) {
    simd.addGradientSums(gradient + from, x.data + from, mean, rows, x.channels, first, second);
  });
  // dx = scale / σ · (dy − mean(dy) − (x − mean) / σ² · mean(dy · (x − mean))), with one number a channel for each term.
  std::vector<float> ofGradient(x.channels);
  std::vector<float> ofX(x.channels);
  std::vector<float> offset(x.channels);
  const auto count = static_cast<double>(x.rows);
  for (std::size_t c = 0; c < x.channels; ++c) {
    const double inverse = 1 / std::sqrt(static_cast<double>(variance[c]) + epsilon);
    const double factor = scale[c] * inverse;
    result.bias[c] = static_cast<float>(sums.first[c]);
    result.scale[c] = static_cast<float>(sums.second[c] * inverse);
    ofGradient[c] = static_cast<float>(factor);
    ofX[c] = static_cast<float>(-factor * inverse * inverse * sums.second[c] / count);
    offset[c] = static_cast<float>(-factor * sums.first[c] / count);
  }
  overSlices(x, [&](std::size_t from, std::size_t rows) {
    simd.combineRows(gradient + from, x.data + from, mean, ofGradient.data(), ofX.data(), offset.data(), rows,
                     x.channels, result.x + from);
  });
}

}  // namespace tascnet
