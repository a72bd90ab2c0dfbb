// Operations for TensorFlow's CPU device that are quicker than its own, all of float32, channels on the last axis:
//   TascnetBatchNorm(x, scale, bias; epsilon) → y, mean, variance
//   TascnetBatchNormGrad(dy, x, scale, mean, variance; epsilon) → dx, dscale, dbias
//   TascnetDepthwise(x, filter; sliding, extents of y) → y
//   TascnetDepthwiseInputGrad(dy, filter; sliding, extents of x) → dx
//   TascnetDepthwiseFilterGrad(x, dy; sliding, extents of filter) → dfilter
// x has any number of axes for batch norm; for depthwise convolutions it is [batch, height, width, channels], the filter
// [height, width, channels, 1], and `sliding` strides, dilations and the padding before, each for height and width.
#pragma once

#include <string>

#include "api.h"

namespace tascnet::tensorflow {

// Makes them known to the TensorFlow that the process has loaded, once. Returns why it could not, or an empty text.
std::string registerKernels();

// Its parts; they throw what TensorFlow has against them.
void addBatchNorm(const Api& tf);
void addDepthwise(const Api& tf);

}  // namespace tascnet::tensorflow
