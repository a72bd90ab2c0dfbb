// Scratch memory on cache-line boundaries, so that a vector never straddles two lines.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace tascnet {

template <class T>
class Buffer {
 public:
  static constexpr std::size_t kAlignment = 64;

  explicit Buffer(std::size_t count)
      : data_(static_cast<T*>(::operator new(bytesOf(count), std::align_val_t{kAlignment}))), size_(count) {}

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return data_.get()[i]; }
  const T& operator[](std::size_t i) const { return data_.get()[i]; }

 private:
  struct Free {
    void operator()(T* data) const { ::operator delete(data, std::align_val_t{kAlignment}); }
  };

  static std::size_t bytesOf(std::size_t count) {
    if (count > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_alloc();
    return count * sizeof(T);
  }

  std::unique_ptr<T, Free> data_;
  std::size_t size_;
};

}  // namespace tascnet
