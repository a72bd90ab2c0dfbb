// Memory for results.
#include <algorithm>
#include <array>
#include <memory>

#include "../buffer.h"
#include "args.h"
#include "describe.h"

namespace tascnet {
namespace {

constexpr std::array kAllocated = {napi_int8_array,  napi_uint8_array,   napi_uint8_clamped_array, napi_int16_array,
                                   napi_uint16_array, napi_int32_array,  napi_uint32_array,        napi_float32_array,
                                   napi_float64_array, napi_bigint64_array, napi_biguint64_array};

struct Constructors {
  std::array<Napi::FunctionReference, kAllocated.size()> of;
  Napi::FunctionReference uncleared;  // Buffer.allocUnsafeSlow; empty where there is none
};

// Results from here on come from memory that nobody clears first: the work writes all of it, and clearing would keep the
// event loop waiting. Below, a plain constructor is quicker.
constexpr std::size_t kLargeResult = 256 * 1024;
constexpr std::size_t kLargestBuffer = 0x7FFFFFFF;

std::size_t bytesPerElement(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return 1;
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    default:
      return 4;
  }
}

}  // namespace

bool isAllocated(napi_typedarray_type type) {
  return std::find(kAllocated.begin(), kAllocated.end(), type) != kAllocated.end();
}

void rememberConstructors(Napi::Env env) {
  auto constructors = std::make_unique<Constructors>();
  for (const napi_typedarray_type type : kAllocated) {
    const Napi::Value found = env.Global().Get(nameOf(type));
    constructors->of[static_cast<std::size_t>(type)] = Napi::Persistent(found.As<Napi::Function>());
  }
  const Napi::Value buffer = env.Global().Get("Buffer");
  const Napi::Value uncleared = buffer.IsFunction() ? buffer.As<Napi::Object>().Get("allocUnsafeSlow") : buffer;
  if (uncleared.IsFunction()) constructors->uncleared = Napi::Persistent(uncleared.As<Napi::Function>());
  env.SetInstanceData(constructors.release());
}

void* Args::allocate(napi_typedarray_type type, std::size_t length, Napi::Value& value) {
  const auto* constructors = env_.GetInstanceData<Constructors>();
  const Napi::FunctionReference& constructor = constructors->of[static_cast<std::size_t>(type)];
  const Napi::Number count = Napi::Number::New(env_, static_cast<double>(length));
  const std::size_t bytes = length <= kLargestBuffer ? length * bytesPerElement(type) : length;
  // JS functions answer with a RangeError where the memory cannot be had; the C ones end the process.
  if (bytes < kLargeResult || bytes > kLargestBuffer || constructors->uncleared.IsEmpty()) {
    value = constructor.New({count});
  } else {
    const Napi::Value buffer = constructors->uncleared.Call({Napi::Number::New(env_, static_cast<double>(bytes))});
    value = constructor.New({buffer.As<Napi::Object>().Get("buffer"), Napi::Number::New(env_, 0), count});
  }
  void* const data = typedArray(value, "result", type, "the new array").data;
  preferHugePages(data, bytes);
  return data;
}

}  // namespace tascnet
