#include "device.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include "../buffer.h"
#include "interface.h"

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

namespace tascnet {
namespace {

constexpr double kWorthwhile = 2e9;  // multiply-adds

const TascnetCuda* open() {
#if !defined(_WIN32)
  const char* wanted = std::getenv("TASCNET_CUDA");
  if (wanted != nullptr && std::strcmp(wanted, "0") == 0) return nullptr;
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&deviceName), &info) == 0 || info.dli_fname == nullptr) return nullptr;
  std::string path = info.dli_fname;
  const std::size_t slash = path.rfind('/');
  path = path.substr(0, slash == std::string::npos ? 0 : slash + 1) + "tascnet-cuda.so";
  // Never closed: drivers start threads of their own.
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nullptr;
  const auto entry = reinterpret_cast<TascnetCudaEntry>(dlsym(library, kTascnetCudaEntry));
  return entry == nullptr ? nullptr : entry();
#else
  return nullptr;
#endif
}

// Small integers, whose sums are exact, over more than one tile, part and block.
bool givesRightAnswers(const TascnetCuda& cuda) {
  constexpr std::size_t kOuter = 3;
  constexpr std::size_t kCount = 70;
  constexpr std::size_t kInner = 301;
  std::vector<float> x(kOuter * kCount * kInner);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * i % 7) - 3.0F;
  std::vector<double> sums(kCount * kCount);
  for (const int kind : {0, 1}) {
    if (!cuda.pairs(x.data(), kOuter, kCount, kInner, kind, sums.data())) return false;
    for (std::size_t i = 0; i < kCount; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        double expected = 0;
        for (std::size_t o = 0; o < kOuter; ++o) {
          for (std::size_t k = 0; k < kInner; ++k) {
            const double a = x[(o * kCount + i) * kInner + k];
            const double b = x[(o * kCount + j) * kInner + k];
            expected += kind == 0 ? a * b : (a - b) * (a - b);
          }
        }
        if (sums[i * kCount + j] != expected) return false;
      }
    }
  }
  return true;
}

struct Device {
  const TascnetCuda* cuda = nullptr;
  std::string name;
  std::mutex mutex;  // one call at a time, so that their memory does not add up

  Device() {
    const TascnetCuda* const found = open();
    const char* const answer = found == nullptr ? nullptr : found->device();
    if (answer == nullptr || !givesRightAnswers(*found)) return;
    cuda = found;
    name = answer;
  }
};

Device& theDevice() {
  static Device* const device = new Device;
  return *device;
}

}  // namespace

const char* deviceName() {
  const Device& device = theDevice();
  return device.cuda == nullptr ? nullptr : device.name.c_str();
}

bool pairsOnDevice(const Channels& x, bool distance, double* sums) {
  const double channels = static_cast<double>(x.channels);
  if (channels * channels * static_cast<double>(x.positions()) < kWorthwhile) return false;
  Device& device = theDevice();
  if (device.cuda == nullptr) return false;
  std::vector<double> lower(x.channels * x.channels);
  const std::size_t elements = x.channels * x.positions();
  Buffer<float> wide(x.data.narrow() ? elements : 0);
  const float* const data = x.data.read(0, elements, wide.data());
  const std::lock_guard lock(device.mutex);
  if (!device.cuda->pairs(data, x.outer, x.channels, x.inner, distance ? 1 : 0, lower.data())) return false;
  for (std::size_t i = 0; i < x.channels; ++i) {
    for (std::size_t j = 0; j <= i; ++j) sums[i * x.channels + j] += lower[i * x.channels + j];
  }
  return true;
}

}  // namespace tascnet
