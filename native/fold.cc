#include "fold.h"

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace tascnet {
namespace {

constexpr std::size_t kSliceElements = 65536;

std::vector<double> factorsOf(const BatchNorm& norm, std::size_t channels) {
  std::vector<double> factors(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double variance = static_cast<double>(norm.variance[c]) + norm.epsilon;
    if (!(variance > 0)) {
      throw std::range_error("Expected variance + epsilon above 0 but received " + std::to_string(variance) +
                             " in channel " + std::to_string(c));
    }
    factors[c] = static_cast<double>(norm.scale[c]) / std::sqrt(variance);
  }
  return factors;
}

void scaleChannels(const Channels& weight, const std::vector<double>& factors, float* out, const CancelFlag& cancel) {
  const std::size_t rows = weight.outer * weight.channels;
  const float* const source = weight.data.floats();
  if (weight.inner == 0) return;
  const std::size_t perSlice = kSliceElements / weight.inner + 1;
  parallelFor(ceilDivide(rows, perSlice), cancel, [&](std::size_t slice) {
    for (std::size_t row = slice * perSlice; row < rows && row < (slice + 1) * perSlice; ++row) {
      const double factor = factors[row % weight.channels];
      for (std::size_t i = row * weight.inner; i < (row + 1) * weight.inner; ++i) {
        out[i] = static_cast<float>(factor * static_cast<double>(source[i]));
      }
    }
  });
}

}  // namespace

void foldBatchNorm(const Channels& weight, const float* bias, const BatchNorm& norm, float* weightOut, float* biasOut,
                   const CancelFlag& cancel) {
  const std::vector<double> factors = factorsOf(norm, weight.channels);
  for (std::size_t c = 0; c < weight.channels; ++c) {
    const double before = bias == nullptr ? 0.0 : static_cast<double>(bias[c]);
    biasOut[c] = static_cast<float>(factors[c] * (before - static_cast<double>(norm.mean[c])) +
                                    static_cast<double>(norm.shift[c]));
  }
  scaleChannels(weight, factors, weightOut, cancel);
}

void unfoldBatchNorm(const Channels& weight, const float* bias, const BatchNorm& norm, float* weightOut, float* biasOut,
                     const CancelFlag& cancel) {
  std::vector<double> factors = factorsOf(norm, weight.channels);
  for (std::size_t c = 0; c < weight.channels; ++c) {
    if (factors[c] == 0) {
      throw std::range_error("Expected scales other than 0 for scale but received 0 in channel " + std::to_string(c) +
                             ": what such a batch norm computes cannot be undone");
    }
    factors[c] = 1 / factors[c];
    const double before = bias == nullptr ? 0.0 : static_cast<double>(bias[c]);
    biasOut[c] = static_cast<float>((before - static_cast<double>(norm.shift[c])) * factors[c] +
                                    static_cast<double>(norm.mean[c]));
  }
  scaleChannels(weight, factors, weightOut, cancel);
}

}  // namespace tascnet
