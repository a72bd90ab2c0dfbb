#include "../tensorflow/kernels.h"

#include "bindings.h"

namespace tascnet {
namespace {

// () → why TensorFlow could not be given our kernels, or undefined
Napi::Value registerKernels(const Napi::CallbackInfo& info) {
  const std::string problem = tensorflow::registerKernels();
  return problem.empty() ? info.Env().Undefined() : Napi::String::New(info.Env(), problem);
}

}  // namespace

void exportTensorflow(Napi::Object exports) { exportFunction(exports, "registerTensorflowKernels", registerKernels); }

}  // namespace tascnet
