#include "../convolve/depthwise.h"

#include <algorithm>
#include <array>

#include "kernel.h"
#include "kernels.h"

namespace tascnet::tensorflow {
namespace {

// Height and width of what is asked for: of the output, of the input or of the filter.
struct Attributes {
  std::array<std::int64_t, 6> sliding = {};
  std::array<std::int64_t, 2> extents = {};

  void read(const Api& tf, KernelConstruction* construction) {
    const Checked status(tf);
    tf.integerAttributes(construction, "sliding", sliding.data(), 6, status.get());
    status.check();
    tf.integerAttributes(construction, "extents", extents.data(), 2, status.get());
    status.check();
    const auto within = [](std::int64_t least) {
      return [least](std::int64_t value) { return value >= least && value <= 0x7FFFFFFF; };
    };
    if (!std::all_of(sliding.begin(), sliding.begin() + 4, within(1)) ||
        !std::all_of(sliding.begin() + 4, sliding.end(), within(0))) {
      throw std::invalid_argument("Expected strides and dilations from 1, and padding from 0, in sliding");
    }
    if (!std::all_of(extents.begin(), extents.end(), within(0))) {
      throw std::invalid_argument("Expected a height and a width in extents");
    }
  }

  Plane plane() const { return {static_cast<std::size_t>(extents[0]), static_cast<std::size_t>(extents[1])}; }
  Sliding slide() const {
    const auto pair = [&](std::size_t at) {
      return Plane{static_cast<std::size_t>(sliding[at]), static_cast<std::size_t>(sliding[at + 1])};
    };
    return {pair(0), pair(2), pair(4)};
  }
};

Plane imagePlane(const Input& image) {
  if (image.dims().size() != 4) throw std::invalid_argument("Expected [batch, height, width, channels]");
  return {image.extent(1), image.extent(2)};
}

Plane filterPlane(const Input& filter, std::size_t channels) {
  if (filter.dims().size() != 4 || filter.extent(2) != channels || filter.extent(3) != 1) {
    throw std::invalid_argument("Expected a filter of [height, width, channels, 1]");
  }
  return {filter.extent(0), filter.extent(1)};
}

Dims imageDims(const Depthwise& shape, const Plane& plane) {
  return {static_cast<std::int64_t>(shape.batch), static_cast<std::int64_t>(plane.height),
          static_cast<std::int64_t>(plane.width), static_cast<std::int64_t>(shape.channels)};
}

void convolve(const Api& tf, KernelContext* context, const Attributes& attributes) {
  const Input x(tf, context, 0);
  const Input filter(tf, context, 1);
  const Plane input = imagePlane(x);
  const std::size_t channels = x.extent(3);
  const Depthwise shape = {x.extent(0), channels,           input, filterPlane(filter, channels),
                           attributes.plane(), attributes.slide()};
  const Output y(tf, context, 0, imageDims(shape, shape.output));
  depthwise(shape, x.data(), filter.data(), y.data());
}

void passToInput(const Api& tf, KernelContext* context, const Attributes& attributes) {
  const Input gradient(tf, context, 0);
  const Input filter(tf, context, 1);
  const Plane output = imagePlane(gradient);
  const std::size_t channels = gradient.extent(3);
  const Depthwise shape = {gradient.extent(0), channels, attributes.plane(), filterPlane(filter, channels), output,
                           attributes.slide()};
  const Output result(tf, context, 0, imageDims(shape, shape.input));
  depthwiseGradientOfInput(shape, gradient.data(), filter.data(), result.data());
}

void passToFilter(const Api& tf, KernelContext* context, const Attributes& attributes) {
  const Input x(tf, context, 0);
  const Input gradient(tf, context, 1);
  const Plane input = imagePlane(x);
  const Plane output = imagePlane(gradient);
  const std::size_t channels = x.extent(3);
  if (gradient.extent(0) != x.extent(0) || gradient.extent(3) != channels) {
    throw std::invalid_argument("Expected a gradient with the batch and the channels of x");
  }
  const Depthwise shape = {x.extent(0), channels, input, attributes.plane(), output, attributes.slide()};
  const Output result(tf, context, 0, {attributes.extents[0], attributes.extents[1], x.dims()[3], 1});
  depthwiseGradientOfFilter(shape, x.data(), gradient.data(), result.data());
}

}  // namespace

void addDepthwise(const Api& tf) {
  const std::vector<const char*> attributes = {"sliding: list(int) >= 6", "extents: list(int) >= 2"};
  add<Attributes, convolve>(tf, {"TascnetDepthwise", attributes, {"x: float", "filter: float"}, {"y: float"}});
  add<Attributes, passToInput>(tf,
                               {"TascnetDepthwiseInputGrad", attributes, {"dy: float", "filter: float"}, {"dx: float"}});
  add<Attributes, passToFilter>(tf,
                                {"TascnetDepthwiseFilterGrad", attributes, {"x: float", "dy: float"}, {"dfilter: float"}});
}

}  // namespace tascnet::tensorflow
