// A tensor seen as channels along one axis: element (channel c, position k) of a row-major tensor [outer, channels,
// inner] lies at (k / inner · channels + c) · inner + k % inner, with positions = outer · inner.
#pragma once

#include <cstddef>

namespace tascnet {

struct Channels {
  const float* data;
  std::size_t outer;
  std::size_t channels;
  std::size_t inner;

  std::size_t positions() const { return outer * inner; }
};

}  // namespace tascnet
