// The addon's exports. They are called by lib/native.ts alone, which documents what a person calls; this file and bind/
// are all that knows of JavaScript.
#include <napi.h>

#include "bind/args.h"
#include "bind/bindings.h"
#include "parallel.h"
#include "simd/kernels.h"

namespace {

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  tascnet::rememberConstructors(env);
  exports.Set("threads", Napi::Number::New(env, static_cast<double>(tascnet::threadCount())));
  exports.Set("simd", Napi::String::New(env, tascnet::kernels().name));
  tascnet::exportDevice(exports);
  tascnet::exportScores(exports);
  tascnet::exportHistory(exports);
  tascnet::exportSurgery(exports);
  tascnet::exportCost(exports);
  tascnet::exportRegression(exports);
  tascnet::exportImages(exports);
  tascnet::exportTensorflow(exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(tascnet, initialise)
