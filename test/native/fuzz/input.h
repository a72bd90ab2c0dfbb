// Arguments read from a fuzzer's bytes, and checks of results. Memory is taken at exactly the length that a call is
// promised, so that AddressSanitizer sees the first byte beyond.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "../../../native/score/layout.h"

#define REQUIRE(condition)                                                                  \
  do {                                                                                      \
    if (!(condition)) {                                                                     \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);          \
      std::abort();                                                                         \
    }                                                                                       \
  } while (false)

// Behind the end of the bytes go others that follow from them, so that a short input makes a whole tensor too.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {
    for (std::size_t i = 0; i < size; ++i) state_ = (state_ ^ data[i]) * 0x100000001b3ULL;
  }

  std::uint8_t byte() {
    if (left_ > 0) {
      --left_;
      return *data_++;
    }
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::uint8_t>(state_ >> 32);
  }

  bool flag() { return (byte() & 1) != 0; }

  std::size_t between(std::size_t least, std::size_t most) {
    std::size_t value = byte();
    if (most - least > 255) value = value << 8 | byte();
    return least + value % (most - least + 1);
  }

  // Mostly small, sometimes up to `most`.
  std::size_t extent(std::size_t most) { return between(0, 9) < 8 ? between(0, most < 12 ? most : 12) : between(0, most); }

  float number(bool finite = true) {
    const std::uint8_t kind = byte();
    if (kind < 64) return static_cast<float>(kind % 9) - 4;
    if (kind < 240 || finite) return static_cast<float>(byte()) / 64 - 2 + static_cast<float>(kind) / 1024;
    std::uint32_t bits = 0;
    for (int i = 0; i < 4; ++i) bits = bits << 8 | byte();
    float any = 0;
    std::memcpy(&any, &bits, sizeof any);
    return any;
  }

  std::vector<float> numbers(std::size_t length, bool finite = true) {
    std::vector<float> result(length);
    for (float& value : result) value = number(finite);
    result.shrink_to_fit();
    return result;
  }

  // Different indices below `extent`, in any order.
  std::vector<std::int32_t> subset(std::size_t extent) {
    std::vector<std::int32_t> result;
    const std::uint8_t often = byte();
    for (std::size_t i = 0; i < extent; ++i) {
      if (byte() <= often) result.push_back(static_cast<std::int32_t>(i));
    }
    if (flag()) {
      for (std::size_t i = result.size(); i > 1; --i) std::swap(result[i - 1], result[between(0, i - 1)]);
    }
    return result;
  }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

// A tensor seen along an axis, and its elements as they are meant.
struct Weights {
  std::size_t outer, channels, inner;
  std::vector<float> values;
  std::unique_ptr<std::uint8_t[]> memory;
  tascnet::ElementKind kind = tascnet::ElementKind::float32;

  std::size_t positions() const { return outer * inner; }
  tascnet::Elements elements() const { return {memory.get(), kind}; }
  tascnet::Channels view() const { return {elements(), outer, channels, inner}; }
  double at(std::size_t channel, std::size_t position) const {
    return values[(position / inner * channels + channel) * inner + position % inner];
  }
};

// The float that the bits of an IEEE half-precision number stand for.
inline float fromHalf(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  float value = std::ldexp(static_cast<float>(exponent == 0 ? fraction : fraction + 1024), (exponent == 0 ? 1 : exponent) - 25);
  if (exponent == 31) value = fraction == 0 ? INFINITY : NAN;
  return (bits & 0x8000) != 0 ? -value : value;
}

inline void fill(Weights& weights, Input& input, bool finite) {
  const std::size_t length = weights.outer * weights.channels * weights.inner;
  weights.values = input.numbers(length, finite);
  const std::size_t size = weights.kind == tascnet::ElementKind::float32 ? 4 : 2;
  weights.memory.reset(new std::uint8_t[length * size]);
  for (std::size_t i = 0; i < length; ++i) {
    float& value = weights.values[i];
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, 4);
    if (weights.kind == tascnet::ElementKind::bfloat16) {
      // The upper half of a float.
      const std::uint32_t upper = bits & 0xffff0000U;
      std::memcpy(&value, &upper, 4);
      bits >>= 16;
    } else if (weights.kind == tascnet::ElementKind::float16) {
      // Any bits, with an exponent that is not the one of infinities where numbers are to be finite, and small then.
      bits = (bits >> 16 ^ bits) & (finite ? 0xbfffU : 0xffffU);
      value = fromHalf(static_cast<std::uint16_t>(bits));
    }
    std::memcpy(weights.memory.get() + i * size, &bits, size);
  }
}

inline Weights weightsFrom(Input& input, std::size_t mostChannels, bool finite) {
  Weights weights{input.extent(40), input.extent(mostChannels), input.extent(300), {}, {}};
  // Thousands of elements at most: many small inputs find more than few large ones.
  if (weights.outer * weights.channels * weights.inner > 20000) weights.outer = 1;
  if (weights.channels * weights.inner > 20000) weights.inner = 1;
  weights.kind = static_cast<tascnet::ElementKind>(input.between(0, 2));
  fill(weights, input, finite);
  return weights;
}

// Equal up to rounding; NaN equals NaN.
inline bool near(double a, double b, double tolerance, double scale = 1) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  return std::fabs(a - b) <= tolerance * (std::fabs(b) + scale);
}
