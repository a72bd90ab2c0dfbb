#include "device.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "../buffer.h"
#include "interface.h"
#include "trial.h"

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

namespace tascnet {
namespace {

const TascnetCuda& load(const std::string& path) {
#if defined(_WIN32)
  throw std::runtime_error("There is no CUDA half on this platform: " + path);
#else
  // Never closed: drivers start threads of their own.
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error("The CUDA half does not load: " + std::string(dlerror()));
  const auto entry = reinterpret_cast<TascnetCudaEntry>(dlsym(library, kTascnetCudaEntry));
  if (entry == nullptr) throw std::runtime_error("The CUDA half is of another version: " + path);
  return *entry();
#endif
}

struct Device {
  const TascnetCuda& cuda;
  std::string name;
  std::atomic<DeviceUse> use;
  std::mutex mutex;  // one call at a time, so that their memory does not add up
};

// Set once and never given back: calls of other threads may be using it.
std::atomic<Device*> current{nullptr};

// Does the work, or falls back to the processor.
template <class Work>
bool attempt(Device& device, Work work) {
  const std::lock_guard lock(device.mutex);
  if (work(device.cuda)) return true;
  if (device.use == DeviceUse::always) throw std::runtime_error(device.cuda.problem());
  return false;
}

Device* deviceInUse(bool worthwhile) {
  Device* const device = current.load(std::memory_order_acquire);
  if (device == nullptr) return nullptr;
  return worthwhile || device->use == DeviceUse::always ? device : nullptr;
}

// The floats of a tensor, widened where they are narrow.
class Wide {
 public:
  Wide(const Elements& data, std::size_t length)
      : memory_(data.narrow() ? length : 0), data_(data.read(0, length, memory_.data())) {}
  const float* data() const { return data_; }

 private:
  Buffer<float> memory_;
  const float* data_;
};

}  // namespace

void openDevice(const std::string& library, DeviceUse use) {
  static std::mutex opening;
  const std::lock_guard lock(opening);
  if (Device* const open = current.load(std::memory_order_acquire)) {
    open->use = use;
    return;
  }
  const TascnetCuda& cuda = load(library);
  const char* const name = cuda.device();
  if (name == nullptr) throw std::runtime_error("No CUDA device answers");
  requireRightAnswers(cuda);
  current.store(new Device{cuda, name, {use}, {}}, std::memory_order_release);
}

const char* deviceName() {
  const Device* const device = current.load(std::memory_order_acquire);
  return device == nullptr ? nullptr : device->name.c_str();
}

bool pairsOnDevice(const Channels& x, bool distance, double* sums) {
  const double channels = static_cast<double>(x.channels);
  Device* const device = deviceInUse(channels * channels * static_cast<double>(x.positions()) >= kWorthwhile);
  if (device == nullptr || x.channels == 0 || x.positions() == 0) return false;
  std::vector<double> lower(x.channels * x.channels);
  const Wide wide(x.data, x.channels * x.positions());
  const bool done = attempt(*device, [&](const TascnetCuda& cuda) {
    return cuda.pairs(wide.data(), x.outer, x.channels, x.inner, distance ? 1 : 0, lower.data());
  });
  if (!done) return false;
  for (std::size_t i = 0; i < x.channels; ++i) {
    for (std::size_t j = 0; j <= i; ++j) sums[i * x.channels + j] = lower[i * x.channels + j];
  }
  return true;
}

bool reduceOnDevice(const Channels& x, const Elements* other, Reduction reduction, double* scores) {
  Device* const device = deviceInUse(false);
  if (device == nullptr || x.channels == 0 || x.positions() == 0) return false;
  const std::size_t elements = x.channels * x.positions();
  const Wide wide(x.data, elements);
  const Wide second(other == nullptr ? Elements(nullptr) : *other, other == nullptr ? 0 : elements);
  return attempt(*device, [&](const TascnetCuda& cuda) {
    return cuda.reduce(wide.data(), second.data(), x.outer, x.channels, x.inner, static_cast<int>(reduction), scores);
  });
}

bool cutOnDevice(const Cut& cut) {
  Device* const device = deviceInUse(false);
  if (device == nullptr || elementsAfter(cut) == 0) return false;
  const bool narrow = cut.type == ElementType::float16 || cut.type == ElementType::bfloat16;
  const auto merges = [](const AxisCut& axis) { return !axis.merge.empty(); };
  if (narrow && std::any_of(cut.axes.begin(), cut.axes.end(), merges)) return false;
  std::vector<std::size_t> dims = cut.dims;
  std::size_t elements = 1;
  for (const std::size_t dim : dims) elements *= dim;
  std::vector<std::vector<std::int32_t>> lists;
  lists.reserve(2 * cut.axes.size());
  std::vector<TascnetCudaAxis> axes;
  for (const AxisCut& axis : cut.axes) {
    TascnetCudaAxis step = {1, dims[axis.axis], 1, axis.keep.data(), axis.keep.size(), nullptr, nullptr,
                            axis.merge.size()};
    for (std::size_t a = 0; a < axis.axis; ++a) step.outer *= dims[a];
    for (std::size_t a = axis.axis + 1; a < dims.size(); ++a) step.inner *= dims[a];
    std::vector<std::int32_t> place(step.extent, -1);
    for (std::size_t i = 0; i < axis.keep.size(); ++i) {
      place[static_cast<std::size_t>(axis.keep[i])] = static_cast<std::int32_t>(i);
    }
    std::vector<std::int32_t>& from = lists.emplace_back();
    std::vector<std::int32_t>& onto = lists.emplace_back();
    for (const Merge& merge : axis.merge) {
      from.push_back(merge.from);
      onto.push_back(place[static_cast<std::size_t>(merge.into)]);
    }
    step.from = from.data();
    step.onto = onto.data();
    dims[axis.axis] = axis.keep.size();
    axes.push_back(step);
  }
  return attempt(*device, [&](const TascnetCuda& cuda) {
    return cuda.cut(cut.data, elements, sizeOf(cut.type), axes.data(), axes.size(), cut.out);
  });
}

}  // namespace tascnet
