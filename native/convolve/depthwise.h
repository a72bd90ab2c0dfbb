// Depthwise convolution, one filter a channel, and its gradients. Values lie channels-last: [batch, height, width,
// channels]; filters [height, width, channels].
#pragma once

#include <cstddef>

namespace tascnet {

struct Plane {
  std::size_t height;
  std::size_t width;
};

// How the filter slides, for the two axes; `before` is the padding above and to the left.
struct Sliding {
  Plane stride;
  Plane dilation;
  Plane before;
};

struct Depthwise {
  std::size_t batch;
  std::size_t channels;
  Plane input;
  Plane filter;
  Plane output;
  Sliding sliding;
};

// Padding counts as zeros. All of the results is written.
void depthwise(const Depthwise& shape, const float* x, const float* filter, float* y);
void depthwiseGradientOfInput(const Depthwise& shape, const float* gradient, const float* filter, float* result);
void depthwiseGradientOfFilter(const Depthwise& shape, const float* x, const float* gradient, float* result);

}  // namespace tascnet
