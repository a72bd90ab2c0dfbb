#include "kernels.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "../half.h"

#if defined(__GNUC__) || defined(__clang__)
#define TASCNET_VECTORS 1
#define TASCNET_INLINE inline __attribute__((always_inline))
#define TASCNET_UNROLL _Pragma("GCC unroll 16")
#else
#define TASCNET_UNROLL
#define TASCNET_INLINE inline
#endif

#if defined(TASCNET_VECTORS) && defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace tascnet {
namespace {

#ifndef TASCNET_VECTORS
template <class T, std::size_t N>
struct Lanes {
  T lane[N];
  friend Lanes operator+(Lanes a, const Lanes& b) {
    for (std::size_t i = 0; i < N; ++i) a.lane[i] += b.lane[i];
    return a;
  }
  friend Lanes operator-(Lanes a, const Lanes& b) {
    for (std::size_t i = 0; i < N; ++i) a.lane[i] -= b.lane[i];
    return a;
  }
  friend Lanes operator-(Lanes a, T b) {
    for (std::size_t i = 0; i < N; ++i) a.lane[i] -= b;
    return a;
  }
  friend Lanes operator*(Lanes a, const Lanes& b) {
    for (std::size_t i = 0; i < N; ++i) a.lane[i] *= b.lane[i];
    return a;
  }
  friend Lanes operator*(T a, Lanes b) {
    for (std::size_t i = 0; i < N; ++i) b.lane[i] *= a;
    return b;
  }
};
#else
using Quad = float __attribute__((vector_size(16)));

// Lanes 0 to 3 of the result, counted through a and then b.
template <int I, int J, int K, int L>
TASCNET_INLINE Quad shuffle(Quad a, Quad b) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, I, J, K, L);
#else
  using Order = std::int32_t __attribute__((vector_size(16)));
  return __builtin_shuffle(a, b, Order{I, J, K, L});
#endif
}
#endif

#if defined(TASCNET_VECTORS) && defined(__x86_64__)

// For every mask of eight: the lanes that it names, in their order.
alignas(32) constexpr auto kCompressions = [] {
  std::array<std::array<std::uint32_t, 8>, 256> orders{};
  for (std::uint32_t mask = 0; mask < 256; ++mask) {
    std::size_t at = 0;
    for (std::uint32_t lane = 0; lane < 8; ++lane) {
      if ((mask >> lane & 1) != 0) orders[mask][at++] = lane;
    }
  }
  return orders;
}();
#endif

}  // namespace
}  // namespace tascnet

#define TASCNET_LEVEL baseline
#define TASCNET_TARGET
#define TASCNET_BYTES 16
#define TASCNET_ROWS 4
#if defined(__aarch64__)
#define TASCNET_PANEL_VECTORS 4
#else
#define TASCNET_PANEL_VECTORS 2
#endif
#include "kernels.inl"

#if defined(TASCNET_VECTORS) && defined(__x86_64__)
#define TASCNET_LEVEL avx2
#define TASCNET_TARGET __attribute__((target("avx2,fma,bmi,bmi2,f16c")))
#define TASCNET_BYTES 32
#define TASCNET_ROWS 4
#define TASCNET_PANEL_VECTORS 3
#include "kernels.inl"

#define TASCNET_LEVEL avx512
#define TASCNET_TARGET __attribute__((target("avx2,fma,bmi,bmi2,f16c,avx512f,avx512vl,avx512dq,avx512bw,avx512cd")))
#define TASCNET_BYTES 64
#define TASCNET_ROWS 8
#define TASCNET_PANEL_VECTORS 2
#include "kernels.inl"
#endif

namespace tascnet {
namespace {

#if defined(TASCNET_VECTORS) && defined(__x86_64__)
// Asked of the processor itself: older compilers do not know the name. That the system keeps the registers is told by avx2.
bool convertsHalves() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}
#endif

const Kernels* choose() {
#if defined(TASCNET_VECTORS) && defined(__x86_64__)
  const char* wanted = std::getenv("TASCNET_SIMD");
  const bool upTo256 = wanted == nullptr || std::strcmp(wanted, "baseline") != 0;
  const bool upTo512 = upTo256 && (wanted == nullptr || std::strcmp(wanted, "avx2") != 0);
  __builtin_cpu_init();
  const bool has256 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                      __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && convertsHalves();
  const bool has512 = has256 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512cd");
  if (upTo512 && has512) return &avx512::table;
  if (upTo256 && has256) return &avx2::table;
#endif
  return &baseline::table;
}

}  // namespace

const Kernels& kernels() {
  static const Kernels* chosen = choose();
  return *chosen;
}

}  // namespace tascnet
