// Included once per instruction set by kernels.cc, which defines:
//   TASCNET_LEVEL          the namespace
//   TASCNET_TARGET         the function attribute that selects the instruction set
//   TASCNET_BYTES          bytes in a vector register
//   TASCNET_ROWS           channels of a tile's left side
//   TASCNET_PANEL_VECTORS  vectors in a panel's row; rows × this many accumulators must fit the registers

namespace tascnet::TASCNET_LEVEL {

constexpr std::size_t kFloats = TASCNET_BYTES / sizeof(float);
constexpr std::size_t kDoubles = TASCNET_BYTES / sizeof(double);
constexpr std::size_t kRows = TASCNET_ROWS;
constexpr std::size_t kVectors = TASCNET_PANEL_VECTORS;
constexpr std::size_t kColumns = kVectors * kFloats;
constexpr std::size_t kColumnsDouble = kVectors * kDoubles;

#ifdef TASCNET_VECTORS
using FloatLanes = float __attribute__((vector_size(TASCNET_BYTES)));
using DoubleLanes = double __attribute__((vector_size(TASCNET_BYTES)));
#else
using FloatLanes = Lanes<float, kFloats>;
using DoubleLanes = Lanes<double, kDoubles>;
#endif

template <class V, class T>
TASCNET_TARGET TASCNET_INLINE void load(V& lanes, const T* from) {
  std::memcpy(&lanes, from, sizeof lanes);
}

struct Dot {
  template <class V, class T>
  TASCNET_TARGET static TASCNET_INLINE void add(V& sum, T a, const V& b) {
    sum = sum + a * b;
  }
};

struct SquaredDistance {
  template <class V, class T>
  TASCNET_TARGET static TASCNET_INLINE void add(V& sum, T a, const V& b) {
    const V difference = b - a;
    sum = sum + difference * difference;
  }
};

// The accumulators of one tile, or of the first vectors of its rows, stay in registers over the whole length.
template <class Op, class V, std::size_t Vectors, class T>
TASCNET_TARGET TASCNET_INLINE void sumTile(const T* a, const T* b, std::size_t length, T* tile) {
  constexpr std::size_t kLanes = sizeof(V) / sizeof(T);
  V sums[kRows][Vectors] = {};
  for (std::size_t k = 0; k < length; ++k) {
    V right[Vectors];
    TASCNET_UNROLL
    for (std::size_t v = 0; v < Vectors; ++v) load(right[v], b + v * kLanes);
    TASCNET_UNROLL
    for (std::size_t r = 0; r < kRows; ++r) {
      TASCNET_UNROLL
      for (std::size_t v = 0; v < Vectors; ++v) Op::add(sums[r][v], a[r], right[v]);
    }
    a += kVectors * kLanes;
    b += kVectors * kLanes;
  }
  std::memcpy(tile, sums, sizeof sums);
}

template <class Op, std::size_t Vectors>
TASCNET_TARGET TASCNET_INLINE void floatColumns(const float* a, const float* b, std::size_t length, double* c,
                                                std::size_t ldc) {
  constexpr std::size_t kWidth = Vectors * kFloats;
  float tile[kRows * kWidth];
  sumTile<Op, FloatLanes, Vectors>(a, b, length, tile);
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t j = 0; j < kWidth; ++j) c[i * ldc + j] += static_cast<double>(tile[i * kWidth + j]);
  }
}

template <class Op, std::size_t Vectors = 1>
TASCNET_TARGET TASCNET_INLINE void floatTile(const float* a, const float* b, std::size_t length, double* c,
                                             std::size_t ldc, std::size_t columns) {
  if constexpr (Vectors < kVectors) {
    if (columns > Vectors * kFloats) return floatTile<Op, Vectors + 1>(a, b, length, c, ldc, columns);
  }
  floatColumns<Op, Vectors>(a, b, length, c, ldc);
}

TASCNET_TARGET inline void dotTile(const float* a, const float* b, std::size_t length, double* c, std::size_t ldc,
                                   std::size_t columns) {
  floatTile<Dot>(a, b, length, c, ldc, columns);
}

TASCNET_TARGET inline void distanceTile(const float* a, const float* b, std::size_t length, double* c, std::size_t ldc,
                                        std::size_t columns) {
  floatTile<SquaredDistance>(a, b, length, c, ldc, columns);
}

TASCNET_TARGET inline void subtractTile(const double* a, const double* b, std::size_t length, double* c,
                                        std::size_t ldc, std::size_t validRows, std::size_t validColumns) {
  double tile[kRows * kColumnsDouble];
  sumTile<Dot, DoubleLanes, kVectors>(a, b, length, tile);
  for (std::size_t i = 0; i < validRows; ++i) {
    for (std::size_t j = 0; j < validColumns; ++j) c[i * ldc + j] -= tile[i * kColumnsDouble + j];
  }
}

// Four positions of four channels: a square that is turned in registers.
TASCNET_TARGET TASCNET_INLINE void packSquare(const float* source, std::size_t stride, float* out) {
#ifdef TASCNET_VECTORS
  Quad rows[4];
  TASCNET_UNROLL
  for (std::size_t c = 0; c < 4; ++c) load(rows[c], source + c * stride);
  const Quad low01 = shuffle<0, 4, 1, 5>(rows[0], rows[1]);
  const Quad low23 = shuffle<0, 4, 1, 5>(rows[2], rows[3]);
  const Quad high01 = shuffle<2, 6, 3, 7>(rows[0], rows[1]);
  const Quad high23 = shuffle<2, 6, 3, 7>(rows[2], rows[3]);
  const Quad columns[4] = {shuffle<0, 1, 4, 5>(low01, low23), shuffle<2, 3, 6, 7>(low01, low23),
                           shuffle<0, 1, 4, 5>(high01, high23), shuffle<2, 3, 6, 7>(high01, high23)};
  TASCNET_UNROLL
  for (std::size_t k = 0; k < 4; ++k) std::memcpy(out + k * kColumns, &columns[k], sizeof(Quad));
#else
  for (std::size_t c = 0; c < 4; ++c) {
    for (std::size_t k = 0; k < 4; ++k) out[k * kColumns + c] = source[c * stride + k];
  }
#endif
}

// Sixteen positions of every channel at a time, so that both sides stay in the first cache.
TASCNET_TARGET inline void packRuns(const float* source, std::size_t stride, std::size_t channels, std::size_t length,
                                    float* panel) {
  constexpr std::size_t kStep = 16;
  for (std::size_t begin = 0; begin < length; begin += kStep) {
    const std::size_t step = length - begin < kStep ? length - begin : kStep;
    const float* const from = source + begin;
    float* const out = panel + begin * kColumns;
    const std::size_t squares = step == kStep ? channels / 4 * 4 : 0;
    for (std::size_t c = 0; c < squares; c += 4) {
      for (std::size_t k = 0; k < kStep; k += 4) packSquare(from + c * stride + k, stride, out + k * kColumns + c);
    }
    for (std::size_t c = squares; c < channels; ++c) {
      for (std::size_t k = 0; k < step; ++k) out[k * kColumns + c] = from[c * stride + k];
    }
    for (std::size_t c = channels; c < kColumns; ++c) {
      for (std::size_t k = 0; k < step; ++k) out[k * kColumns + c] = 0.0F;
    }
  }
}

struct L1 {
  TASCNET_TARGET static TASCNET_INLINE double of(const float* x, const float*, std::size_t i) {
    return std::fabs(static_cast<double>(x[i]));
  }
};

struct SumSquares {
  TASCNET_TARGET static TASCNET_INLINE double of(const float* x, const float*, std::size_t i) {
    const double value = x[i];
    return value * value;
  }
};

struct Product {
  TASCNET_TARGET static TASCNET_INLINE double of(const float* x, const float* y, std::size_t i) {
    return static_cast<double>(x[i]) * static_cast<double>(y[i]);
  }
};

// Independent sums per lane, which the compiler turns into vector registers.
template <class Op>
TASCNET_TARGET TASCNET_INLINE double sumRun(const float* x, const float* y, std::size_t length) {
  constexpr std::size_t kLanes = 4 * kDoubles;
  double sums[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= length; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += Op::of(x, y, i + lane);
  }
  for (std::size_t lane = 0; i < length; ++i, ++lane) sums[lane] += Op::of(x, y, i);
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  }
  return sums[0];
}

TASCNET_TARGET TASCNET_INLINE std::int32_t magnitudeBits(const float* x, std::size_t i) {
  std::int32_t bits;
  std::memcpy(&bits, x + i, sizeof bits);
  return bits & 0x7FFFFFFF;
}

// Magnitudes compare like their bits do, and NaN above all: one NaN makes the result NaN.
TASCNET_TARGET inline double maximumRun(const float* x, std::size_t length) {
  std::int32_t most = 0;
  for (std::size_t i = 0; i < length; ++i) {
    const std::int32_t bits = magnitudeBits(x, i);
    most = bits > most ? bits : most;
  }
  float value;
  std::memcpy(&value, &most, sizeof value);
  return value;
}

TASCNET_TARGET inline double reduce(Reduction reduction, const float* x, const float* y, std::size_t length) {
  switch (reduction) {
    case Reduction::l1:
      return sumRun<L1>(x, y, length);
    case Reduction::sumSquares:
      return sumRun<SumSquares>(x, y, length);
    case Reduction::product:
      return sumRun<Product>(x, y, length);
    case Reduction::linf:
      return maximumRun(x, length);
  }
  return 0;
}

template <class Op>
TASCNET_TARGET TASCNET_INLINE void addRun(double* sums, const float* x, const float* y, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) sums[i] += Op::of(x, y, i);
}

TASCNET_TARGET inline void accumulate(Reduction reduction, double* sums, const float* x, const float* y,
                                      std::size_t length) {
  switch (reduction) {
    case Reduction::l1:
      return addRun<L1>(sums, x, y, length);
    case Reduction::sumSquares:
      return addRun<SumSquares>(sums, x, y, length);
    case Reduction::product:
      return addRun<Product>(sums, x, y, length);
    case Reduction::linf:
      for (std::size_t i = 0; i < length; ++i) {
        const double value = std::fabs(static_cast<double>(x[i]));
        sums[i] = sums[i] >= value || sums[i] != sums[i] ? sums[i] : value;
      }
  }
}

TASCNET_TARGET inline void widenFloat16(const std::uint16_t* source, std::size_t length, float* target) {
  std::size_t i = 0;
#if TASCNET_BYTES >= 32
  for (; i + 8 <= length; i += 8) {
    const auto half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(source + i));
    _mm256_storeu_ps(target + i, _mm256_cvtph_ps(half));
  }
#endif
  for (; i < length; ++i) target[i] = floatOfHalf(source[i]);
}

TASCNET_TARGET inline void widenBfloat16(const std::uint16_t* source, std::size_t length, float* target) {
  for (std::size_t i = 0; i < length; ++i) target[i] = floatOfBfloat(source[i]);
}

TASCNET_TARGET inline char* selectLanes(const char* source, const std::uint16_t* masks, std::size_t count, char* target,
                                        [[maybe_unused]] const char* limit) {
  for (std::size_t g = 0; g < count; ++g, source += 64) {
    const unsigned mask = masks[g];
#if TASCNET_BYTES == 64
    if (limit - target >= 64) {
      _mm512_storeu_si512(target, _mm512_maskz_compress_epi32(static_cast<__mmask16>(mask), _mm512_loadu_si512(source)));
      target += 4 * std::popcount(mask);
      continue;
    }
#elif TASCNET_BYTES == 32
    if (limit - target >= 64) {
      for (unsigned half = 0; half < 2; ++half) {
        const unsigned bits = mask >> (8 * half) & 0xFF;
        const auto order = _mm256_load_si256(reinterpret_cast<const __m256i*>(kCompressions[bits].data()));
        const auto values = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(source + 32 * half));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(target), _mm256_permutevar8x32_epi32(values, order));
        target += 4 * std::popcount(bits);
      }
      continue;
    }
#endif
    for (unsigned bits = mask; bits != 0; bits &= bits - 1) {
      std::memcpy(target, source + 4 * std::countr_zero(bits), 4);
      target += 4;
    }
  }
  return target;
}

TASCNET_TARGET inline void addScaled(double* out, double scale, const double* x, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) out[i] += scale * x[i];
}

TASCNET_TARGET inline void multiply(double* out, const double* x, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) out[i] *= x[i];
}

TASCNET_TARGET inline void addProduct(double* out, double scale, const double* x, const double* y,
                                      std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) out[i] += scale * x[i] * y[i];
}

TASCNET_TARGET inline void maximum(double* out, const double* x, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) out[i] = out[i] < x[i] ? x[i] : out[i];
}

#include "rows.inl"

#define TASCNET_TEXT_OF(name) #name
#define TASCNET_TEXT(name) TASCNET_TEXT_OF(name)
constexpr Kernels table = {
    TASCNET_TEXT(TASCNET_LEVEL), kRows,    kColumns, kColumnsDouble, dotTile,   distanceTile, subtractTile,
    packRuns,      reduce,    accumulate, widenFloat16, widenBfloat16, selectLanes,
    addScaled,     multiply,  addProduct, maximum,      addMoments,    addGradientSums,
    scaleRows,     combineRows, addScaledRows, addProductRows,
};
#undef TASCNET_TEXT
#undef TASCNET_TEXT_OF
}  // namespace tascnet::TASCNET_LEVEL

#undef TASCNET_LEVEL
#undef TASCNET_TARGET
#undef TASCNET_BYTES
#undef TASCNET_ROWS
#undef TASCNET_PANEL_VECTORS
