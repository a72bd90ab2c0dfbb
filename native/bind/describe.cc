#include "describe.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace tascnet {

const char* nameOf(napi_typedarray_type type) {
  constexpr std::array kNames = {"Int8Array",    "Uint8Array",   "Uint8ClampedArray", "Int16Array",
                                 "Uint16Array",  "Int32Array",   "Uint32Array",       "Float32Array",
                                 "Float64Array", "BigInt64Array", "BigUint64Array"};
  const auto index = static_cast<std::size_t>(type);
  return index < kNames.size() ? kNames[index] : "typed array of another kind";
}

std::string describeNumber(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char text[32];
  std::snprintf(text, sizeof text, "%.15g", value);
  return text;
}

std::string describe(Napi::Value value) {
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
      return value.As<Napi::Boolean>().Value() ? "true" : "false";
    case napi_number:
      return describeNumber(value.As<Napi::Number>().DoubleValue());
    case napi_string: {
      const std::string text = value.As<Napi::String>().Utf8Value();
      return text.size() <= 40 ? "\"" + text + "\"" : "a string of " + std::to_string(text.size()) + " bytes";
    }
    case napi_symbol:
      return "a symbol";
    case napi_function:
      return "a function";
    case napi_bigint:
      return "a bigint";
    default:
      break;
  }
  if (value.IsTypedArray()) {
    napi_typedarray_type type;
    std::size_t length;
    if (napi_get_typedarray_info(value.Env(), value, &type, &length, nullptr, nullptr, nullptr) == napi_ok) {
      return "a " + std::string(nameOf(type)) + " of length " + std::to_string(length);
    }
  }
  if (value.IsArray()) return "an array of length " + std::to_string(value.As<Napi::Array>().Length());
  return "an object";
}

}  // namespace tascnet
