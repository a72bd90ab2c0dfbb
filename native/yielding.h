// Threads that compute for long give way at once to those that wake for a moment: the event loop above all.
#pragma once

#include <cstdint>

namespace tascnet {

// While it lives, the thread that made it counts as one that works in long slices of time. It gets as much of a processor as
// before, but Linux from 6.12 on (EEVDF, man 2 sched_setattr) lets a thread with a shorter slice, which every other thread
// has by default, interrupt it when it wakes. Elsewhere nothing happens.
class Yielding {
 public:
  Yielding();
  ~Yielding();
  Yielding(const Yielding&) = delete;
  Yielding& operator=(const Yielding&) = delete;

 private:
  // What there was before, in ns; kUnchanged where nothing was done.
  static constexpr std::uint64_t kUnchanged = ~std::uint64_t{0};
  [[maybe_unused]] std::uint64_t before_ = kUnchanged;
};

}  // namespace tascnet
