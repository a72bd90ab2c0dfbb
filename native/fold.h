// Batch normalisation y = scale · (x − mean) / √(variance + epsilon) + shift after a layer whose weight has one slice per
// output channel along an axis.
#pragma once

#include <cstddef>

#include "parallel.h"
#include "score/layout.h"

namespace tascnet {

struct BatchNorm {
  const float* scale;
  const float* shift;
  const float* mean;
  const float* variance;
  double epsilon;
};

// weight' = factor · weight, bias' = factor · (bias − mean) + shift, with factor = scale / √(variance + epsilon), computed
// in double. `bias` may be null, which is zero.
void foldBatchNorm(const Channels& weight, const float* bias, const BatchNorm& norm, float* weightOut, float* biasOut,
                   const CancelFlag& cancel);

// The inverse: the weight and bias which, followed by this batch norm, compute what the given ones do alone. Throws
// std::range_error naming a channel whose scale is zero.
void unfoldBatchNorm(const Channels& weight, const float* bias, const BatchNorm& norm, float* weightOut, float* biasOut,
                     const CancelFlag& cancel);

}  // namespace tascnet
