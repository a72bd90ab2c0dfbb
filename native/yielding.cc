#include "yielding.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
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

// Threads that are started meanwhile (a device driver's, say) begin with the default slice. Only the privileged can take the flag
// back, so that it stays.
constexpr std::uint64_t kResetOnFork = 1;

bool read(Attributes& attributes) { return syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) == 0; }

bool write(Attributes& attributes) {
  attributes.flags |= kResetOnFork;
  return syscall(SYS_sched_setattr, 0, &attributes, 0) == 0;
}

}  // namespace

Yielding::Yielding() {
  Attributes attributes{};
  // Only from the usual policy and a shorter slice: others have been set by somebody.
  if (!read(attributes) || attributes.policy != SCHED_OTHER || attributes.runtime >= kLongSlice) return;
  const std::uint64_t before = attributes.runtime;
  attributes.runtime = kLongSlice;
  if (write(attributes)) before_ = before;
}

Yielding::~Yielding() {
  Attributes attributes{};
  if (before_ == kUnchanged || !read(attributes)) return;
  attributes.runtime = before_;
  write(attributes);
}
#else
Yielding::Yielding() = default;
Yielding::~Yielding() = default;
#endif

}  // namespace tascnet
