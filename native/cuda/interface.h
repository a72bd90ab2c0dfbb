// What the addon knows of its CUDA half: a shared library beside it, with one exported function that returns this table.
// The addon loads without it, so neither a failed CUDA build nor a missing driver touches the CPU path.
//
// Tensors are in host memory. A call that could not be done (no memory, an error of the driver) returns false; its results
// are then undefined, and `problem` says why. Calls come from one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

// One axis that is cut, of a tensor [outer, extent, inner].
struct TascnetCudaAxis {
  std::size_t outer;
  std::size_t extent;
  std::size_t inner;
  const std::int32_t* keep;  // the indices that stay
  std::size_t kept;
  const std::int32_t* from;  // `merges` removed indices, and the places in `keep` of those that they are added onto
  const std::int32_t* onto;
  std::size_t merges;
};

struct TascnetCuda {
  // The name of the device that would be used, or null where none answers.
  const char* (*device)();
  // What kept the last call from being done: the kernel's name, and the driver's words.
  const char* (*problem)();
  // Sums over the positions between every two channels of a tensor [outer, channels, inner], products (kind 0) or squared
  // distances (kind 1): channels × channels, of which the lower triangle is written.
  bool (*pairs)(const float* x, std::size_t outer, std::size_t channels, std::size_t inner, int kind, double* sums);
  // Per channel the sum of |x| (reduction 0), x² (1) or x · other (3), or the largest |x| (2), in double.
  bool (*reduce)(const float* x, const float* other, std::size_t outer, std::size_t channels, std::size_t inner,
                 int reduction, double* scores);
  // Cuts one axis after the other, each in terms of the tensor that the one before left. The elements have `size` bytes (1,
  // 2, 4 or 8); with merges they are floats (4) or doubles (8).
  bool (*cut)(const void* data, std::size_t elements, std::size_t size, const TascnetCudaAxis* axes, std::size_t count,
              void* out);
};

// The name ends in the version of the table.
using TascnetCudaEntry = const TascnetCuda* (*)();
constexpr const char* kTascnetCudaEntry = "tascnetCuda2";
}
