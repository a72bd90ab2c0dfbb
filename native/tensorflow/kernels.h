// Operations for TensorFlow's CPU device that are quicker than its own:
//   TascnetBatchNorm(x, scale, bias; epsilon) → y, mean, variance
//   TascnetBatchNormGrad(dy, x, scale, mean, variance; epsilon) → dx, dscale, dbias
// of float32, channels on the last axis of x, any number of axes before it.
#pragma once

#include <string>

namespace tascnet::tensorflow {

// Makes them known to the TensorFlow that the process has loaded, once. Returns why it could not, or an empty text.
std::string registerKernels();

}  // namespace tascnet::tensorflow
