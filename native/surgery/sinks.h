// Where the pieces of a result go, one behind the other: `at()` is where the next one is to be written, `wrote` moves on,
// `take` copies a piece of any length. Up to `limit()` what lies behind a piece may be overwritten with garbage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) || defined(_M_X64)
#include <emmintrin.h>
#endif

namespace tascnet {

constexpr std::size_t kLine = 64;
constexpr std::size_t kLongPiece = 2048;
constexpr std::size_t kBatch = 4096;  // bytes that may be written at `at()` before `wrote`

inline void copyPiece(const char* source, char* target, std::size_t bytes) {
  if (bytes < kLine || bytes >= kLongPiece) {
    std::memcpy(target, source, bytes);
    return;
  }
  // What a call of memcpy costs before it begins is longer than the copy of a few lines.
  for (std::size_t i = 0; i + kLine <= bytes; i += kLine) std::memcpy(target + i, source + i, kLine);
  std::memcpy(target + bytes - kLine, source + bytes - kLine, kLine);
}

// Straight to the result.
class Direct {
 public:
  Direct(char* target, const char* limit) : at_(target), limit_(limit) {}
  char* at() { return at_; }
  const char* limit() const { return limit_; }
  void wrote(std::size_t bytes) { at_ += bytes; }
  void take(const char* source, std::size_t bytes) {
    copyPiece(source, at_, bytes);
    at_ += bytes;
  }
  void end() {}

 private:
  char* at_;
  const char* limit_;
};

#if defined(__x86_64__) || defined(_M_X64)
#define TASCNET_STREAMS 1
// To memory in whole lines and past the caches: such lines need not be read from memory before they are written.
class Streamed {
 public:
  explicit Streamed(char* target)
      : skip_(reinterpret_cast<std::uintptr_t>(target) % kLine), fill_(skip_), line_(target - skip_) {}
  char* at() { return held_ + fill_; }
  const char* limit() const { return held_ + sizeof held_; }
  void wrote(std::size_t bytes) {
    fill_ += bytes;
    if (fill_ >= kBatch) writeLines();
  }
  void take(const char* source, std::size_t bytes) {
    if (bytes < kLongPiece) {
      copyPiece(source, at(), bytes);
      wrote(bytes);
      return;
    }
    const std::size_t head = (kLine - fill_ % kLine) % kLine;
    std::memcpy(at(), source, head);
    fill_ += head;
    writeLines();
    const std::size_t whole = (bytes - head) / kLine * kLine;
    stream(source + head, whole);
    fill_ = bytes - head - whole;
    std::memcpy(held_, source + head + whole, fill_);
  }
  void end() {
    writeLines();
    std::memcpy(line_ + skip_, held_ + skip_, fill_ - skip_);
    _mm_sfence();  // other threads must see the lines once this one says that they are written
  }

 private:
  void writeLines() {
    const std::size_t whole = fill_ / kLine * kLine;
    if (whole == 0) return;
    // Of the first line the beginning may be another thread's.
    const std::size_t shared = skip_ == 0 ? 0 : kLine;
    std::memcpy(line_ + skip_, held_ + skip_, shared - skip_);
    line_ += shared;
    skip_ = 0;
    stream(held_ + shared, whole - shared);
    fill_ -= whole;
    std::memmove(held_, held_ + whole, fill_);
  }
  void stream(const char* source, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; i += sizeof(__m128i)) {
      const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(source + i));
      _mm_stream_si128(reinterpret_cast<__m128i*>(line_ + i), values);
    }
    line_ += bytes;
  }

  std::size_t skip_;  // bytes of the first line that are not ours
  std::size_t fill_;  // bytes in held_, those skipped included
  char* line_;        // where held_ goes
  alignas(kLine) char held_[2 * kBatch + kLine];
};
#endif

}  // namespace tascnet
