// Memory on the device, and the way there and back: through pinned memory, two pieces in flight, so that the processor
// fills one while the other travels.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

// Throws what is reported as the problem of a kernel's call.
inline void check(cudaError_t status, const char* kernel) {
  if (status == cudaSuccess) return;
  throw std::runtime_error(std::string("CUDA kernel ") + kernel + ": " + cudaGetErrorString(status));
}

template <class T>
class DeviceMemory {
 public:
  DeviceMemory(std::size_t count, const char* kernel) {
    if (count > static_cast<std::size_t>(-1) / sizeof(T)) check(cudaErrorMemoryAllocation, kernel);
    void* memory = nullptr;
    if (count > 0) check(cudaMalloc(&memory, count * sizeof(T)), kernel);
    data_ = static_cast<T*>(memory);
  }
  // Waits for the device, so that nothing there uses the memory any more.
  ~DeviceMemory() { cudaFree(data_); }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  DeviceMemory(DeviceMemory&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }

  T* data() const { return data_; }

 private:
  T* data_ = nullptr;
};

class Stream {
 public:
  explicit Stream(const char* kernel) {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), kernel);
    for (Slot& slot : slots_) {
      check(cudaHostAlloc(&slot.memory, kPiece, cudaHostAllocDefault), kernel);
      check(cudaEventCreateWithFlags(&slot.done, cudaEventDisableTiming), kernel);
    }
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void upload(void* target, const void* source, std::size_t bytes, const char* kernel) {
    for (std::size_t piece = 0; piece * kPiece < bytes; ++piece) {
      const std::size_t at = piece * kPiece;
      const std::size_t length = std::min(kPiece, bytes - at);
      Slot& slot = slots_[piece % 2];
      check(cudaEventSynchronize(slot.done), kernel);
      std::memcpy(slot.memory, static_cast<const char*>(source) + at, length);
      check(cudaMemcpyAsync(static_cast<char*>(target) + at, slot.memory, length, cudaMemcpyHostToDevice, stream_),
            kernel);
      check(cudaEventRecord(slot.done, stream_), kernel);
    }
  }

  // Returns when the bytes are there, and with them all that was asked of the device before.
  void download(void* target, const void* source, std::size_t bytes, const char* kernel) {
    const std::size_t pieces = (bytes + kPiece - 1) / kPiece;
    const auto lengthOf = [&](std::size_t piece) { return std::min(kPiece, bytes - piece * kPiece); };
    for (std::size_t piece = 0; piece <= pieces; ++piece) {
      if (piece < pieces) {
        Slot& slot = slots_[piece % 2];
        check(cudaMemcpyAsync(slot.memory, static_cast<const char*>(source) + piece * kPiece, lengthOf(piece),
                              cudaMemcpyDeviceToHost, stream_),
              kernel);
        check(cudaEventRecord(slot.done, stream_), kernel);
      }
      if (piece > 0) {
        Slot& slot = slots_[(piece - 1) % 2];
        check(cudaEventSynchronize(slot.done), kernel);
        std::memcpy(static_cast<char*>(target) + (piece - 1) * kPiece, slot.memory, lengthOf(piece - 1));
      }
    }
  }

  template <class... Parameters, class... Arguments>
  void launch(const char* kernel, void (*function)(Parameters...), dim3 grid, dim3 block, Arguments... arguments) {
    cudaLaunchConfig_t config = {};
    config.gridDim = grid;
    config.blockDim = block;
    config.stream = stream_;
    check(cudaLaunchKernelEx(&config, function, static_cast<Parameters>(arguments)...), kernel);
  }

 private:
  static constexpr std::size_t kPiece = std::size_t{8} << 20;

  struct Slot {
    void* memory = nullptr;
    cudaEvent_t done = nullptr;  // the last copy that used the memory
  };

  cudaStream_t stream_ = nullptr;
  Slot slots_[2];
};

// Made by the first call and never given back: drivers do not like to be called while a process ends.
Stream& stream(const char* kernel);

void pairs(const float* x, std::size_t outer, std::size_t channels, std::size_t inner, int kind, double* sums);
void reduce(const float* x, const float* other, std::size_t outer, std::size_t channels, std::size_t inner,
            int reduction, double* scores);
struct TascnetCudaAxis;
void cut(const void* data, std::size_t elements, std::size_t size, const TascnetCudaAxis* axes, std::size_t count,
         void* out);
