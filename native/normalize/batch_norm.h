// Batch normalisation by the statistics of the batch (Ioffe and Szegedy, arXiv 1502.03167), and its gradient.
#pragma once

#include <cstddef>

namespace tascnet {

// Rows of channels that lie side by side: a network's values channels-last, batch and positions taken together.
struct Rows2D {
  const float* data;
  std::size_t rows;
  std::size_t channels;
};

// y = (x − mean) / √(variance + epsilon) · scale + bias. `variance` is that of the population: divided by the rows.
void batchNorm(const Rows2D& x, const float* scale, const float* bias, float epsilon, float* y, float* mean,
               float* variance);

// What `batchNorm` passes back, from its mean and variance.
struct BatchNormGradient {
  float* x;
  float* scale;
  float* bias;
};
void batchNormGradient(const float* gradient, const Rows2D& x, const float* scale, const float* mean,
                       const float* variance, float epsilon, const BatchNormGradient& result);

}  // namespace tascnet
