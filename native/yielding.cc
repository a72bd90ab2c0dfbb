#include "yielding.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#endif

namespace tascnet {

#if defined(__linux__) && defined(SYS_sched_getattr) && defined(SYS_sched_setattr)
namespace {

// As the kernel's struct sched_attr (linux/sched/types.h), which older C libraries have no header for and newer ones define.
struct Attributes {
  std::uint32_t size;
  std::uint32_t policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime;
  std::uint64_t deadline;
  std::uint64_t period;
};

constexpr std::uint64_t kLongSlice = 20'000'000;  // ns
constexpr std::uint64_t kDefaultSlice = 0;

// Only where the thread has the usual policy: real-time or idle threads have been set so by somebody.
bool setSlice(std::uint64_t slice) {
  Attributes attributes{};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return false;
  if (attributes.policy != SCHED_OTHER) return false;
  attributes.runtime = slice;
  return syscall(SYS_sched_setattr, 0, &attributes, 0) == 0;
}

}  // namespace

Yielding::Yielding() : changed_(setSlice(kLongSlice)) {}

Yielding::~Yielding() {
  if (changed_) setSlice(kDefaultSlice);
}
#else
Yielding::Yielding() = default;
Yielding::~Yielding() = default;
#endif

}  // namespace tascnet
