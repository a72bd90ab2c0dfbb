// A tensor seen as channels along one axis: element (channel c, position k) of a row-major tensor [outer, channels,
// inner] lies at (k / inner · channels + c) · inner + k % inner, with positions = outer · inner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../simd/kernels.h"

namespace tascnet {

enum class ElementKind { float32, float16, bfloat16 };

// Numbers that are read as floats; the narrow kinds are widened a piece at a time, so that no copy of the tensor is made.
class Elements {
 public:
  Elements(const float* data) : data_(data) {}
  Elements(const void* data, ElementKind kind) : data_(data), kind_(kind) {}

  bool narrow() const { return kind_ != ElementKind::float32; }
  // `length` elements behind `from`: where they are, or widened into `scratch`, which has room for them if they are narrow.
  const float* read(std::size_t from, std::size_t length, float* scratch) const {
    if (!narrow()) return static_cast<const float*>(data_) + from;
    const auto widen = kind_ == ElementKind::float16 ? kernels().widenFloat16 : kernels().widenBfloat16;
    widen(static_cast<const std::uint16_t*>(data_) + from, length, scratch);
    return scratch;
  }
  std::size_t size() const { return narrow() ? 2 : 4; }  // bytes of one
  const void* bytes() const { return data_; }
  // Others of the same kind.
  Elements at(const void* data) const { return {data, kind_}; }
  // Of float32 alone.
  const float* floats() const { return static_cast<const float*>(data_); }

 private:
  const void* data_;
  ElementKind kind_ = ElementKind::float32;
};

struct Channels {
  Elements data;
  std::size_t outer;
  std::size_t channels;
  std::size_t inner;

  std::size_t positions() const { return outer * inner; }
};

// A row-major tensor as its channels along an axis.
inline Channels channelsAlong(const Elements& data, const std::vector<std::size_t>& dims, std::size_t axis) {
  Channels channels = {data, 1, dims[axis], 1};
  for (std::size_t a = 0; a < axis; ++a) channels.outer *= dims[a];
  for (std::size_t a = axis + 1; a < dims.size(); ++a) channels.inner *= dims[a];
  return channels;
}

}  // namespace tascnet
