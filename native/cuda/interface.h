// What the addon knows of its CUDA half: a shared library beside it, with one exported function that returns this table.
// The addon loads without it, so neither a failed CUDA build nor a missing driver touches the CPU path.
#pragma once

#include <cstddef>

extern "C" {

struct TascnetCuda {
  // The name of the device that would be used, or null where none answers.
  const char* (*device)();
  // Sums over the positions between every two channels of a tensor [outer, channels, inner] in host memory, products
  // (kind 0) or squared distances (kind 1): channels × channels, of which the lower triangle is written. False where the
  // device could not do it (no memory, an error of the driver); the sums are then undefined.
  bool (*pairs)(const float* x, std::size_t outer, std::size_t channels, std::size_t inner, int kind, double* sums);
};

// The name ends in the version of the table.
using TascnetCudaEntry = const TascnetCuda* (*)();
constexpr const char* kTascnetCudaEntry = "tascnetCuda1";
}
