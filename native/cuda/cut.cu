// Takes channels out of a tensor, one axis after the other on the device: neighbouring threads write neighbouring addresses,
// and read them wherever the axis is not the last one.
#include "interface.h"
#include "memory.h"

namespace {

constexpr const char* kName = "cut";
constexpr unsigned kThreads = 256;
constexpr std::size_t kMostBlocks = std::size_t{1} << 20;

struct Axis {
  std::size_t outer;
  std::size_t extent;
  std::size_t inner;
  std::size_t kept;
};

template <class T>
__global__ void gather(const T* source, T* target, Axis axis, const std::int32_t* keep) {
  const std::size_t total = axis.outer * axis.kept * axis.inner;
  const std::size_t step = static_cast<std::size_t>(gridDim.x) * kThreads;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x; i < total; i += step) {
    const std::size_t place = i / axis.inner;
    const auto index = static_cast<std::size_t>(keep[place % axis.kept]);
    target[i] = source[(place / axis.kept * axis.extent + index) * axis.inner + i % axis.inner];
  }
}

// One thread adds all merges of its position, in order.
template <class T>
__global__ void addMerged(const T* source, T* target, Axis axis, const std::int32_t* from, const std::int32_t* onto,
                          std::size_t merges) {
  const std::size_t total = axis.outer * axis.inner;
  const std::size_t step = static_cast<std::size_t>(gridDim.x) * kThreads;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x; i < total; i += step) {
    const std::size_t outer = i / axis.inner;
    const std::size_t inner = i % axis.inner;
    for (std::size_t m = 0; m < merges; ++m) {
      T& sum = target[(outer * axis.kept + static_cast<std::size_t>(onto[m])) * axis.inner + inner];
      sum += source[(outer * axis.extent + static_cast<std::size_t>(from[m])) * axis.inner + inner];
    }
  }
}

dim3 blocksFor(std::size_t threads) {
  const std::size_t blocks = (threads + kThreads - 1) / kThreads;
  return dim3(static_cast<unsigned>(std::max<std::size_t>(1, std::min(blocks, kMostBlocks))));
}

DeviceMemory<std::int32_t> listOnDevice(Stream& queue, const std::int32_t* list, std::size_t length) {
  DeviceMemory<std::int32_t> memory(length, kName);
  queue.upload(memory.data(), list, length * sizeof(std::int32_t), kName);
  return memory;
}

// The same bits, of an integer or, where they are added up, of a number.
template <class Bits, class Number>
void cutAll(const void* data, std::size_t elements, const TascnetCudaAxis* axes, std::size_t count, void* out) {
  Stream& queue = stream(kName);
  DeviceMemory<Bits> now(elements, kName);
  queue.upload(now.data(), data, elements * sizeof(Bits), kName);
  std::size_t left = elements;
  for (std::size_t a = 0; a < count; ++a) {
    const TascnetCudaAxis& given = axes[a];
    const Axis axis = {given.outer, given.extent, given.inner, given.kept};
    left = axis.outer * axis.kept * axis.inner;
    DeviceMemory<Bits> next(left, kName);
    const DeviceMemory<std::int32_t> keep = listOnDevice(queue, given.keep, given.kept);
    queue.launch(kName, gather<Bits>, blocksFor(left), dim3(kThreads), now.data(), next.data(), axis, keep.data());
    if (given.merges > 0) {
      const DeviceMemory<std::int32_t> from = listOnDevice(queue, given.from, given.merges);
      const DeviceMemory<std::int32_t> onto = listOnDevice(queue, given.onto, given.merges);
      queue.launch(kName, addMerged<Number>, blocksFor(axis.outer * axis.inner), dim3(kThreads),
                   reinterpret_cast<const Number*>(now.data()), reinterpret_cast<Number*>(next.data()), axis,
                   from.data(), onto.data(), given.merges);
    }
    now = std::move(next);
  }
  queue.download(out, now.data(), left * sizeof(Bits), kName);
}

}  // namespace

void cut(const void* data, std::size_t elements, std::size_t size, const TascnetCudaAxis* axes, std::size_t count,
         void* out) {
  if (elements == 0) check(cudaErrorInvalidValue, kName);
  switch (size) {
    case 1:
      return cutAll<std::uint8_t, std::uint8_t>(data, elements, axes, count, out);
    case 2:
      return cutAll<std::uint16_t, std::uint16_t>(data, elements, axes, count, out);
    case 4:
      return cutAll<std::uint32_t, float>(data, elements, axes, count, out);
    case 8:
      return cutAll<std::uint64_t, double>(data, elements, axes, count, out);
    default:
      check(cudaErrorInvalidValue, kName);
  }
}
