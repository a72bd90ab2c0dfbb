// Half precision: IEEE 754 binary16 (sign, 5 bits of exponent with bias 15, 10 of fraction), and bfloat16, the upper half of
// a float.
#pragma once

#include <bit>
#include <cstdint>

namespace tascnet {

inline float floatOfHalf(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16;
  const std::uint32_t exponent = half >> 10 & 0x1FU;
  const std::uint32_t fraction = half & 0x3FFU;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign == 0 ? magnitude : -magnitude;
  }
  const std::uint32_t wide = exponent == 0x1F ? 0xFFU : exponent + 112;
  // Signalling NaNs become quiet ones, as in the processors' own instructions.
  const std::uint32_t quiet = exponent == 0x1F && fraction != 0 ? 0x400000U : 0;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13 | quiet);
}

inline float floatOfBfloat(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

// `bits` without its lowest `count` bits, rounded to nearest, ties to even.
inline std::uint32_t roundedShift(std::uint32_t bits, unsigned count) {
  const std::uint32_t rest = bits & ((1U << count) - 1);
  const std::uint32_t kept = bits >> count;
  const std::uint32_t tie = 1U << (count - 1);
  return kept + (rest > tie || (rest == tie && (kept & 1U) != 0) ? 1U : 0U);
}

// To nearest, ties to even; what is too large is infinite, and NaN stays NaN.
inline std::uint16_t halfOfFloat(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return static_cast<std::uint16_t>(sign | 0x7E00U | (magnitude >> 13 & 0x3FFU));
  if (magnitude >= 0x47800000U) return static_cast<std::uint16_t>(sign | 0x7C00U);  // 2¹⁶ and more
  const std::uint32_t exponent = magnitude >> 23;
  if (exponent >= 113) return static_cast<std::uint16_t>(sign | roundedShift(magnitude - (112U << 23), 13));
  if (exponent < 102) return static_cast<std::uint16_t>(sign);  // less than half of the least subnormal number
  const std::uint32_t fraction = (magnitude & 0x7FFFFFU) | 0x800000U;
  return static_cast<std::uint16_t>(sign | roundedShift(fraction, 126 - exponent));
}

inline std::uint16_t bfloatOfFloat(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>(bits >> 16 | 0x40U);
  return static_cast<std::uint16_t>(roundedShift(bits, 16));
}

}  // namespace tascnet
