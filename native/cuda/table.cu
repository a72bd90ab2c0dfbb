// The entry of the library: errors of the calls become words.
#include <exception>

#include "interface.h"
#include "memory.h"

Stream& stream(const char* kernel) {
  static Stream* const made = new Stream(kernel);
  return *made;
}

namespace {

std::string lastProblem;

template <class Work>
bool attempt(Work work) {
  try {
    work();
    return true;
  } catch (const std::exception& error) {
    lastProblem = error.what();
    cudaGetLastError();  // Errors that do not last must not be taken for the next call's.
    return false;
  }
}

const char* device() {
  int count = 0;
  static cudaDeviceProp properties;
  if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) return nullptr;
  if (cudaGetDeviceProperties(&properties, 0) != cudaSuccess) return nullptr;
  return properties.name;
}

const char* problem() { return lastProblem.c_str(); }

bool tryPairs(const float* x, std::size_t outer, std::size_t channels, std::size_t inner, int kind, double* sums) {
  return attempt([=] { pairs(x, outer, channels, inner, kind, sums); });
}

bool tryReduce(const float* x, const float* other, std::size_t outer, std::size_t channels, std::size_t inner,
               int reduction, double* scores) {
  return attempt([=] { reduce(x, other, outer, channels, inner, reduction, scores); });
}

bool tryCut(const void* data, std::size_t elements, std::size_t size, const TascnetCudaAxis* axes, std::size_t count,
            void* out) {
  return attempt([=] { cut(data, elements, size, axes, count, out); });
}

constexpr TascnetCuda kTable = {device, problem, tryPairs, tryReduce, tryCut};

}  // namespace

extern "C" __attribute__((visibility("default"))) const TascnetCuda* tascnetCuda2() { return &kTable; }
