#include "../cuda/device.h"

#include "args.h"
#include "bindings.h"

namespace tascnet {
namespace {

// () → the device's name, or undefined where none is open
Napi::Value device(const Napi::CallbackInfo& info) {
  const char* const name = deviceName();
  return name == nullptr ? info.Env().Undefined() : Napi::String::New(info.Env(), name);
}

// (library, use)
Napi::Value open(const Napi::CallbackInfo& info) {
  Args args(info);
  if (!info[0].IsString()) args.wrongType("a path", "library", info[0]);
  const std::string library = info[0].As<Napi::String>();
  const DeviceUse use = args.choice(info[1], "use", {"worthwhile", "always"}) == 0 ? DeviceUse::worthwhile : DeviceUse::always;
  return args.start([=](const CancelFlag&) { openDevice(library, use); }, info.Env().Undefined());
}

}  // namespace

void exportDevice(Napi::Object exports) {
  exports.Set("worthwhile", Napi::Number::New(exports.Env(), kWorthwhile));
  exportFunction(exports, "device", device);
  exportFunction(exports, "deviceOpen", open);
}

}  // namespace tascnet
