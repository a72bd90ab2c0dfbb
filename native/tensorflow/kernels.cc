#include "kernels.h"

#include <exception>
#include <mutex>

namespace tascnet::tensorflow {
namespace {

std::string registerAll() {
  const Api* const tf = api();
  if (tf == nullptr) return "no TensorFlow to which kernels could be added is loaded";
  try {
    addBatchNorm(*tf);
    addDepthwise(*tf);
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace

std::string registerKernels() {
  static std::mutex mutex;
  static bool done = false;
  const std::lock_guard lock(mutex);
  // TensorFlow may be loaded later: only a success is for good.
  if (done) return "";
  const std::string problem = registerAll();
  done = problem.empty();
  return problem;
}

}  // namespace tascnet::tensorflow
