// Enough of the CUDA runtime to run the kernels of native/cuda on a processor, so that their arithmetic and their bounds are
// tested where there is no device. Blocks run one after the other, the threads of a block as coroutines that wait for each
// other at __syncthreads. Device memory ends at a page that may not be touched.
//
// EMULATED_CUDA makes it fail: `none` (no device answers), `crash`, `wrong` (kernels do nothing), `memory` (more
// than 4 MiB cannot be had).
#pragma once

#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#define __global__
#define __device__
#define __shared__ static

using std::min;

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

inline dim3 threadIdx, blockIdx, blockDim, gridDim;

enum cudaError_t { cudaSuccess, cudaErrorInvalidValue, cudaErrorMemoryAllocation };
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost };
using cudaStream_t = void*;
using cudaEvent_t = void*;
constexpr unsigned cudaStreamNonBlocking = 1, cudaHostAllocDefault = 0, cudaEventDisableTiming = 2;
struct cudaDeviceProp {
  char name[256];
};
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes;
  cudaStream_t stream;
};

namespace emulation {

inline bool fails(const char* how) {
  const char* const wanted = std::getenv("EMULATED_CUDA");
  return wanted != nullptr && std::string(wanted) == how;
}

// The threads are made once and go from block to block; they are switched by jumps, which take no system call.
class Block {
 public:
  void run(unsigned count, const std::function<void()>& body) {
    body_ = &body;
    while (threads_.size() < count) threads_.push_back(std::make_unique<Thread>());
    for (unsigned t = 0; t < count; ++t) threads_[t]->ended = false;
    for (bool left = true; left;) {
      left = false;
      for (current_ = 0; current_ < count; ++current_) {
        if (threads_[current_]->ended) continue;
        threadIdx = dim3(current_ % blockDim.x, current_ / blockDim.x % blockDim.y, current_ / blockDim.x / blockDim.y);
        resume(*threads_[current_]);
        left = left || !threads_[current_]->ended;
      }
    }
  }

  void wait() {
    if (_setjmp(threads_[current_]->place) == 0) _longjmp(scheduler_, 1);
  }

  static Block& only() {
    static Block* const block = new Block;
    return *block;
  }

 private:
  static constexpr std::size_t kStack = 64 * 1024;
  struct Thread {
    ucontext_t start;
    jmp_buf place;
    std::unique_ptr<char[]> stack;
    bool ended = false;
  };

  void resume(Thread& thread) {
    if (_setjmp(scheduler_) != 0) return;
    if (thread.stack) _longjmp(thread.place, 1);
    thread.stack.reset(new char[kStack]);
    getcontext(&thread.start);
    thread.start.uc_stack.ss_sp = thread.stack.get();
    thread.start.uc_stack.ss_size = kStack;
    makecontext(&thread.start, enter, 0);
    setcontext(&thread.start);
  }

  static void enter() {
    Block& block = only();
    for (;;) {
      (*block.body_)();
      block.threads_[block.current_]->ended = true;
      block.wait();
    }
  }

  std::vector<std::unique_ptr<Thread>> threads_;
  jmp_buf scheduler_;
  const std::function<void()>* body_ = nullptr;
  unsigned current_ = 0;
};

inline std::map<void*, std::pair<void*, std::size_t>>& mappings() {
  static std::map<void*, std::pair<void*, std::size_t>> all;
  return all;
}

}  // namespace emulation

inline void __syncthreads() { emulation::Block::only().wait(); }

inline const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorMemoryAllocation ? "out of memory" : error == cudaSuccess ? "no error" : "invalid argument";
}
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaGetDeviceCount(int* count) {
  if (emulation::fails("crash")) std::abort();
  *count = emulation::fails("none") ? 0 : 1;
  return cudaSuccess;
}
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  std::strcpy(properties->name, "emulated device");
  return cudaSuccess;
}
inline cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  if (emulation::fails("memory") && bytes > (std::size_t{4} << 20)) return cudaErrorMemoryAllocation;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t pages = (bytes + page - 1) / page * page;
  char* const base = static_cast<char*>(
      mmap(nullptr, pages + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (base == MAP_FAILED) return cudaErrorMemoryAllocation;
  mprotect(base + pages, page, PROT_NONE);
  // What was there before is no zero.
  std::memset(base, 0x5a, pages);
  *memory = base + pages - (bytes + 7) / 8 * 8;
  emulation::mappings()[*memory] = {base, pages + page};
  return cudaSuccess;
}
inline cudaError_t cudaFree(void* memory) {
  const auto found = emulation::mappings().find(memory);
  if (found == emulation::mappings().end()) return cudaSuccess;
  munmap(found->second.first, found->second.second);
  emulation::mappings().erase(found);
  return cudaSuccess;
}
inline cudaError_t cudaHostAlloc(void** memory, std::size_t bytes, unsigned) {
  *memory = std::malloc(bytes);
  return *memory == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t*, unsigned) { return cudaSuccess; }
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t*, unsigned) { return cudaSuccess; }
inline cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
inline cudaError_t cudaMemcpyAsync(void* target, const void* source, std::size_t bytes, cudaMemcpyKind, cudaStream_t) {
  std::memcpy(target, source, bytes);
  return cudaSuccess;
}

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...), Arguments&&... arguments) {
  const dim3 grid = config->gridDim;
  const dim3 block = config->blockDim;
  const unsigned count = block.x * block.y * block.z;
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.y > 65535 || grid.z > 65535 || count == 0 || count > 1024)
    return cudaErrorInvalidValue;
  if (emulation::fails("wrong")) return cudaSuccess;
  gridDim = grid;
  blockDim = block;
  const std::function<void()> body = [&] { kernel(arguments...); };
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = dim3(x, y, z);
        emulation::Block::only().run(count, body);
      }
  return cudaSuccess;
}
