// One pool for the whole process, shared by every call of every JS thread. At most threadCount() threads compute at any
// moment, callers included, however many calls are in flight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace tascnet {

// Thrown by parallelFor when the caller's AbortSignal has fired.
struct Cancelled {};

// A flag that the JS thread sets and the workers read between slices. A default-made one never fires.
class CancelFlag {
 public:
  CancelFlag() = default;
  explicit CancelFlag(const std::int32_t* flag) : flag_(flag) {}
  bool fired() const;
  void check() const {
    if (fired()) throw Cancelled{};
  }

 private:
  const std::int32_t* flag_ = nullptr;
};

// TASCNET_THREADS where it is a positive number, else the processors that this process may use.
std::size_t threadCount();

// Runs body(0) … body(count − 1), each once, in no particular order, and returns when all have ended. Slices must be cut
// from the shape of the work alone, never from threadCount(), so that results do not depend on it. The first exception
// of a slice stops the rest and is thrown here.
void parallelFor(std::size_t count, const CancelFlag& cancel, const std::function<void(std::size_t)>& body);

inline std::size_t ceilDivide(std::size_t a, std::size_t b) { return a / b + (a % b != 0); }

}  // namespace tascnet
