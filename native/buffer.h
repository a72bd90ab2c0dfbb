// Scratch memory on cache-line boundaries, so that a vector never straddles two lines.
//
// Large pieces are used again: filling new memory takes longer than the work on it, because of its page faults. At most
// 32 MiB are kept, and the pieces that were used longest ago let go first.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace tascnet {

constexpr std::size_t kScratchAlignment = 64;

struct ScratchBlock {
  void* data = nullptr;
  std::size_t bytes = 0;
};

// At least `bytes`, with anything in them. Throws std::bad_alloc.
ScratchBlock takeScratch(std::size_t bytes);
void giveScratch(const ScratchBlock& block) noexcept;

// Of large pieces alone. Most of the time of filling new memory is its page faults; with huge pages there are 512 times
// fewer.
void preferHugePages(void* data, std::size_t bytes);

template <class T>
class Buffer {
 public:
  explicit Buffer(std::size_t count) : block_(takeScratch(bytesOf(count))), size_(count) {}
  Buffer(Buffer&& other) noexcept
      : block_(std::exchange(other.block_, ScratchBlock())), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() {
    if (block_.data != nullptr) giveScratch(block_);
  }

  T* data() { return static_cast<T*>(block_.data); }
  const T* data() const { return static_cast<const T*>(block_.data); }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return data()[i]; }
  const T& operator[](std::size_t i) const { return data()[i]; }

 private:
  static std::size_t bytesOf(std::size_t count) {
    if (count > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_alloc();
    return count * sizeof(T);
  }

  ScratchBlock block_;
  std::size_t size_;
};

}  // namespace tascnet
