#include "depthwise.h"

#include <algorithm>
#include <vector>

#include "../parallel.h"
#include "../simd/kernels.h"

namespace tascnet {
namespace {

constexpr std::size_t kSliceElements = 32768;
constexpr std::size_t kGradientElements = 262144;  // a slice of these has sums of its own for the whole filter
constexpr std::size_t kFloatRows = 128;            // summed in float before they are added in double

// Where tap `tap` of the filter meets the input along one axis: output positions [first, first + count) read the input
// from `from` on, a stride apart.
struct Overlap {
  std::size_t first;
  std::size_t count;
  std::size_t from;
};

Overlap overlap(std::size_t tap, std::size_t input, std::size_t output, std::size_t stride, std::size_t dilation,
                std::size_t before) {
  // Position o reads o·stride + ahead − before.
  const std::size_t ahead = tap * dilation;
  const std::size_t first = ahead >= before ? 0 : ceilDivide(before - ahead, stride);
  if (input + before <= ahead) return {0, 0, 0};
  const std::size_t end = std::min(output, ceilDivide(input + before - ahead, stride));
  if (first >= end) return {0, 0, 0};
  return {first, end - first, first * stride + ahead - before};
}

// work(image, row) for rows of `height` in every image, several to a slice.
template <class Work>
void overRows(const Depthwise& shape, const Plane& plane, Work work) {
  const std::size_t rows = shape.batch * plane.height;
  const std::size_t perRow = std::max<std::size_t>(1, plane.width * shape.channels);
  const std::size_t perSlice = std::max<std::size_t>(1, kSliceElements / perRow);
  parallelFor(ceilDivide(rows, perSlice), CancelFlag(), [&](std::size_t slice) {
    const std::size_t end = std::min(rows, (slice + 1) * perSlice);
    for (std::size_t row = slice * perSlice; row < end; ++row) work(row / plane.height, row % plane.height);
  });
}

class Geometry {
 public:
  explicit Geometry(const Depthwise& shape) : shape_(shape) {
    for (std::size_t tap = 0; tap < shape.filter.height; ++tap) {
      rows_.push_back(overlap(tap, shape.input.height, shape.output.height, shape.sliding.stride.height,
                              shape.sliding.dilation.height, shape.sliding.before.height));
    }
    for (std::size_t tap = 0; tap < shape.filter.width; ++tap) {
      columns_.push_back(overlap(tap, shape.input.width, shape.output.width, shape.sliding.stride.width,
                                 shape.sliding.dilation.width, shape.sliding.before.width));
    }
  }

  const std::vector<Overlap>& rows() const { return rows_; }
  const std::vector<Overlap>& columns() const { return columns_; }
  // Floats between what neighbouring output positions read.
  std::size_t step() const { return shape_.sliding.stride.width * shape_.channels; }
  std::size_t input(std::size_t image, std::size_t row) const {
    return (image * shape_.input.height + row) * shape_.input.width * shape_.channels;
  }
  std::size_t output(std::size_t image, std::size_t row) const {
    return (image * shape_.output.height + row) * shape_.output.width * shape_.channels;
  }
  std::size_t tap(std::size_t row, std::size_t column) const {
    return (row * shape_.filter.width + column) * shape_.channels;
  }

 private:
  const Depthwise& shape_;
  std::vector<Overlap> rows_;
  std::vector<Overlap> columns_;
};

}  // namespace

void depthwise(const Depthwise& shape, const float* x, const float* filter, float* y) {
  const Geometry geometry(shape);
  const Kernels& simd = kernels();
  const std::size_t channels = shape.channels;
  overRows(shape, shape.output, [&](std::size_t image, std::size_t row) {
    float* const out = y + geometry.output(image, row);
    std::fill_n(out, shape.output.width * channels, 0.0F);
    for (std::size_t i = 0; i < shape.filter.height; ++i) {
      const Overlap& vertical = geometry.rows()[i];
      if (row < vertical.first || row >= vertical.first + vertical.count) continue;
      const std::size_t from = vertical.from + (row - vertical.first) * shape.sliding.stride.height;
      for (std::size_t j = 0; j < shape.filter.width; ++j) {
        const Overlap& horizontal = geometry.columns()[j];
        simd.addScaledRows(x + geometry.input(image, from) + horizontal.from * channels, geometry.step(),
                           filter + geometry.tap(i, j), horizontal.count, channels, out + horizontal.first * channels,
                           channels);
      }
    }
  });
}

void depthwiseGradientOfInput(const Depthwise& shape, const float* gradient, const float* filter, float* result) {
  const Geometry geometry(shape);
  const Kernels& simd = kernels();
  const std::size_t channels = shape.channels;
  const std::size_t stride = shape.sliding.stride.height;
  overRows(shape, shape.input, [&](std::size_t image, std::size_t row) {
    float* const out = result + geometry.input(image, row);
    std::fill_n(out, shape.input.width * channels, 0.0F);
    for (std::size_t i = 0; i < shape.filter.height; ++i) {
      const Overlap& vertical = geometry.rows()[i];
      if (vertical.count == 0 || row < vertical.from || (row - vertical.from) % stride != 0) continue;
      const std::size_t reader = vertical.first + (row - vertical.from) / stride;
      if (reader >= vertical.first + vertical.count) continue;
      for (std::size_t j = 0; j < shape.filter.width; ++j) {
        const Overlap& horizontal = geometry.columns()[j];
        simd.addScaledRows(gradient + geometry.output(image, reader) + horizontal.first * channels, channels,
                           filter + geometry.tap(i, j), horizontal.count, channels, out + horizontal.from * channels,
                           geometry.step());
      }
    }
  });
}

void depthwiseGradientOfFilter(const Depthwise& shape, const float* x, const float* gradient, float* result) {
  const Geometry geometry(shape);
  const Kernels& simd = kernels();
  const std::size_t channels = shape.channels;
  const std::size_t taps = shape.filter.height * shape.filter.width * channels;
  const std::size_t rows = shape.batch * shape.output.height;
  const std::size_t perRow = std::max<std::size_t>(1, shape.output.width * channels);
  const std::size_t perSlice = std::max<std::size_t>(1, kGradientElements / perRow);
  const std::size_t slices = ceilDivide(rows, perSlice);
  std::vector<double> partial(slices * taps);
  parallelFor(slices, CancelFlag(), [&](std::size_t slice) {
    double* const sums = partial.data() + slice * taps;
    std::vector<float> few(channels);
    const std::size_t end = std::min(rows, (slice + 1) * perSlice);
    for (std::size_t all = slice * perSlice; all < end; ++all) {
      const std::size_t image = all / shape.output.height;
      const std::size_t row = all % shape.output.height;
      for (std::size_t i = 0; i < shape.filter.height; ++i) {
        const Overlap& vertical = geometry.rows()[i];
        if (row < vertical.first || row >= vertical.first + vertical.count) continue;
        const std::size_t from = vertical.from + (row - vertical.first) * shape.sliding.stride.height;
        for (std::size_t j = 0; j < shape.filter.width; ++j) {
          const Overlap& horizontal = geometry.columns()[j];
          const float* read = x + geometry.input(image, from) + horizontal.from * channels;
          const float* passed = gradient + geometry.output(image, row) + horizontal.first * channels;
          double* const tap = sums + geometry.tap(i, j);
          for (std::size_t done = 0; done < horizontal.count; done += kFloatRows) {
            const std::size_t count = std::min(kFloatRows, horizontal.count - done);
            std::fill(few.begin(), few.end(), 0.0F);
            simd.addProductRows(read + done * geometry.step(), geometry.step(), passed + done * channels, channels,
                                count, channels, few.data());
            for (std::size_t c = 0; c < channels; ++c) tap[c] += static_cast<double>(few[c]);
          }
        }
      }
    }
  });
  for (std::size_t tap = 0; tap < taps; ++tap) {
    double sum = 0;
    for (std::size_t slice = 0; slice < slices; ++slice) sum += partial[slice * taps + tap];
    result[tap] = static_cast<float>(sum);
  }
}

}  // namespace tascnet
