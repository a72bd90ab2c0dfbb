#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <exception>
#include <fstream>
#include <mutex>
#include <system_error>
#include <thread>

#include "yielding.h"

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(_WIN32)
#define NOMINMAX
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace tascnet {
namespace {

struct Loop {
  Loop(std::size_t slices, const CancelFlag& cancelFlag, const std::function<void(std::size_t)>& work)
      : count(slices), cancel(cancelFlag), body(work) {
    std::fegetenv(&floats);
  }

  const std::size_t count;
  const CancelFlag& cancel;
  const std::function<void(std::size_t)>& body;
  // The caller's: TensorFlow flushes denormals to zero in its kernels, and helpers would inherit that from the thread
  // that started them, or not, and every slice must be computed alike.
  std::fenv_t floats;
  std::atomic<std::size_t> next{0};
  std::size_t runners = 0;  // threads inside run(); guarded by the pool's mutex
  std::mutex errorMutex;
  std::exception_ptr error;

  bool hasWork() const { return next.load(std::memory_order_relaxed) < count; }

  void run() noexcept {
    std::fesetenv(&floats);
    for (std::size_t slice; (slice = next.fetch_add(1, std::memory_order_relaxed)) < count;) {
      try {
        cancel.check();
        body(slice);
      } catch (...) {
        const std::lock_guard lock(errorMutex);
        if (!error) error = std::current_exception();
        next.store(count, std::memory_order_relaxed);
      }
    }
  }
};

class Pool {
 public:
  explicit Pool(std::size_t threads) : permits_(threads) {
    for (std::size_t i = 1; i < threads; ++i) {
      try {
        std::thread([this] { help(); }).detach();
      } catch (const std::system_error&) {
        break;  // The system allows no more threads: the callers do the work.
      }
    }
  }

  void run(Loop& loop) {
    std::unique_lock lock(mutex_);
    loops_.push_back(&loop);
    changed_.notify_all();
    for (;;) {
      changed_.wait(lock, [&] { return loop.hasWork() ? permits_ > 0 : loop.runners == 0; });
      if (!loop.hasWork()) break;
      serve(loop, lock);
    }
    loops_.erase(std::find(loops_.begin(), loops_.end(), &loop));
  }

 private:
  void serve(Loop& loop, std::unique_lock<std::mutex>& lock) {
    --permits_;
    ++loop.runners;
    lock.unlock();
    loop.run();
    lock.lock();
    --loop.runners;
    ++permits_;
    changed_.notify_all();
  }

  void help() {
    const Yielding yielding;
    std::unique_lock lock(mutex_);
    for (;;) {
      Loop* found = nullptr;
      changed_.wait(lock, [&] {
        if (permits_ == 0) return false;
        const auto open = std::find_if(loops_.begin(), loops_.end(), [](Loop* loop) { return loop->hasWork(); });
        found = open == loops_.end() ? nullptr : *open;
        return found != nullptr;
      });
      serve(*found, lock);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Loop*> loops_;
  std::size_t permits_;
};

// The helpers never end, so the library must stay mapped after the last JS thread that loaded it is gone.
void stayLoaded() {
#if defined(_WIN32)
  HMODULE self;
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                     reinterpret_cast<LPCWSTR>(&stayLoaded), &self);
#else
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&stayLoaded), &info) != 0 && info.dli_fname != nullptr) {
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NODELETE);
  }
#endif
}

Pool& pool() {
  // Never destroyed: at exit the helpers may still be waiting on it.
  static Pool* const instance = [] {
    stayLoaded();
    return new Pool(threadCount());
  }();
  return *instance;
}

// Processors' worth of time that a container is allowed, rounded up; `most` where nothing limits it.
[[maybe_unused]] std::size_t quota(std::size_t most) {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double allowed = 0;
  double period = 0;
  if (!(file >> allowed >> period) || allowed <= 0 || period <= 0) return most;
  return std::min(most, static_cast<std::size_t>(std::max(1.0, std::ceil(allowed / period))));
}

std::size_t countThreads() {
  constexpr long kMost = 1024;
  if (const char* wanted = std::getenv("TASCNET_THREADS")) {
    char* end = nullptr;
    const long threads = std::strtol(wanted, &end, 10);
    if (end != wanted && *end == '\0' && threads > 0) return static_cast<std::size_t>(std::min(threads, kMost));
  }
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    const int processors = CPU_COUNT(&allowed);
    if (processors > 0) return quota(static_cast<std::size_t>(processors));
  }
#endif
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

bool CancelFlag::fired() const {
  if (flag_ == nullptr) return false;
#if defined(__GNUC__) || defined(__clang__)
  return __atomic_load_n(flag_, __ATOMIC_RELAXED) != 0;
#else
  return *static_cast<const volatile std::int32_t*>(flag_) != 0;
#endif
}

std::size_t threadCount() {
  static const std::size_t threads = countThreads();
  return threads;
}

void parallelFor(std::size_t count, const CancelFlag& cancel, const std::function<void(std::size_t)>& body) {
  cancel.check();
  if (count == 0) return;
  if (threadCount() == 1 && count == 1) {
    body(0);
    return;
  }
  Loop loop(count, cancel, body);
  pool().run(loop);
  if (loop.error) std::rethrow_exception(loop.error);
}

}  // namespace tascnet
