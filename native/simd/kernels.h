// The inner loops, compiled once per instruction set and chosen at run time by what the processor answers.
// Every other file is compiled for the plain architecture, so that one binary runs everywhere.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tascnet {

// Sums over a run of floats, each element widened to double first: x alone, or x with y of the same length.
enum class Reduction : int { l1, sumSquares, linf, product };

struct Kernels {
  const char* name;

  // The cross-product kernels work on packed panels: `columns` channels side by side for each position k, so element
  // (channel c, position k) of a panel lies at panel[k * columns + c]. A tile takes `rows` channels of one panel
  // (`rows` divides `columns`) against all of another.
  std::size_t rows;
  std::size_t columns;
  std::size_t columnsDouble;

  // c[i * ldc + j] += Σ_k a_i(k)·b_j(k) for at least the first `columns` columns of the tile, summed in float over
  // `length` positions (callers keep it short).
  void (*dotTile)(const float* a, const float* b, std::size_t length, double* c, std::size_t ldc, std::size_t columns);
  // The same with (a_i(k) − b_j(k))² in place of the product.
  void (*distanceTile)(const float* a, const float* b, std::size_t length, double* c, std::size_t ldc,
                       std::size_t columns);
  // c[i * ldc + j] −= Σ_k a_i(k)·b_j(k) in double for i < validRows and j < validColumns; panels have columnsDouble
  // channels.
  void (*subtractTile)(const double* a, const double* b, std::size_t length, double* c, std::size_t ldc,
                       std::size_t validRows, std::size_t validColumns);

  // Copies positions [0, length) of `channels` channels, whose runs of consecutive positions start at
  // source + c * stride, into a panel of `columns` channels; missing channels become zeros.
  void (*packRuns)(const float* source, std::size_t stride, std::size_t channels, std::size_t length, float* panel);

  double (*reduce)(Reduction reduction, const float* x, const float* y, std::size_t length);
  // accumulators[i] ← accumulators[i] ⊕ reduction(x[i], y[i]).
  void (*accumulate)(Reduction reduction, double* accumulators, const float* x, const float* y, std::size_t length);

  // The floats that the bits of IEEE half-precision numbers, or the upper halves of floats, stand for; exact.
  void (*widenFloat16)(const std::uint16_t* source, std::size_t length, float* target);
  void (*widenBfloat16)(const std::uint16_t* source, std::size_t length, float* target);

  // Copies the 4-byte elements that the masks name, 16 to a mask, to `target`, and returns where the next one goes. May
  // write garbage behind that, up to `limit`.
  char* (*selectLanes)(const char* source, const std::uint16_t* masks, std::size_t count, char* target,
                       const char* limit);

  // Over a block of configurations laid out side by side: out[i] += scale·x[i], out[i] *= x[i], out[i] = max(out[i], x[i]).
  void (*addScaled)(double* out, double scale, const double* x, std::size_t length);
  void (*multiply)(double* out, const double* x, std::size_t length);
  void (*addProduct)(double* out, double scale, const double* x, const double* y, std::size_t length);
  void (*maximum)(double* out, const double* x, std::size_t length);

  // Over `rows` rows of channels that lie side by side, `center` and the like one number a channel. Sums are made in float
  // (callers keep the rows few): sums[c] += Σ x − center and squares[c] += Σ (x − center)²; or sums[c] += Σ gradient and
  // products[c] += Σ gradient·(x − center).
  void (*addMoments)(const float* x, const float* center, std::size_t rows, std::size_t channels, double* sums,
                     double* squares);
  void (*addGradientSums)(const float* gradient, const float* x, const float* center, std::size_t rows,
                          std::size_t channels, double* sums, double* products);
  // y = (x − center)·factor + offset; y = gradient·ofGradient + (x − center)·ofX + offset. y is memory of its own.
  void (*scaleRows)(const float* x, const float* center, const float* factor, const float* offset, std::size_t rows,
                    std::size_t channels, float* y);
  void (*combineRows)(const float* gradient, const float* x, const float* center, const float* ofGradient,
                      const float* ofX, const float* offset, std::size_t rows, std::size_t channels, float* y);
  // Over rows whose beginnings lie strideX and strideY floats apart: y += x·factor, one factor a channel; and
  // sums[c] += Σ x·y in float (callers keep the rows few).
  void (*addScaledRows)(const float* x, std::size_t strideX, const float* factor, std::size_t rows,
                        std::size_t channels, float* y, std::size_t strideY);
  void (*addProductRows)(const float* x, std::size_t strideX, const float* y, std::size_t strideY, std::size_t rows,
                         std::size_t channels, float* sums);
};

// The widest set that this processor and operating system support; TASCNET_SIMD=baseline|avx2|avx512 narrows it.
const Kernels& kernels();

}  // namespace tascnet
