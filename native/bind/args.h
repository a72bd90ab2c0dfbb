// The arguments of one call from JavaScript, checked. A wrong one throws a JS TypeError or RangeError of the form
// "Expected X for NAME but received Z".
#pragma once

#include <napi.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "../parallel.h"
#include "../score/strided.h"

namespace tascnet {

struct TypedArray {
  napi_typedarray_type type;
  void* data;
  std::size_t length;
};

// Element counts are at most 2⁵³ − 1, extents at most 2³¹ − 1.
class Shape {
 public:
  Shape() = default;
  Shape(std::vector<std::size_t> dims, std::size_t elements) : dims_(std::move(dims)), elements_(elements) {}

  std::size_t elements() const { return elements_; }
  const std::vector<std::size_t>& dims() const { return dims_; }
  std::size_t operator[](std::size_t axis) const { return dims_[axis]; }

 private:
  std::vector<std::size_t> dims_;
  std::size_t elements_ = 0;
};

class Args {
 public:
  explicit Args(const Napi::CallbackInfo& info) : info_(info), env_(info.Env()) {}

  Napi::Env env() const { return env_; }
  Napi::Value operator[](std::size_t i) const { return info_[i]; }

  [[noreturn]] void wrongType(const std::string& expected, const std::string& name, Napi::Value received) const;
  [[noreturn]] void wrongRange(const std::string& expected, const std::string& name, const std::string& received) const;

  bool absent(Napi::Value value) const { return value.IsUndefined() || value.IsNull(); }
  Napi::Object object(Napi::Value value, const std::string& name) const;
  Napi::Array array(Napi::Value value, const std::string& name) const;
  std::size_t integer(Napi::Value value, const std::string& name, std::size_t least, std::size_t most) const;
  // A finite number.
  double number(Napi::Value value, const std::string& name) const;
  std::size_t choice(Napi::Value value, const std::string& name, std::initializer_list<const char*> choices) const;

  // An array of 1 to 16 extents whose product does not overflow.
  Shape shape(Napi::Value value, const std::string& name) const;
  std::size_t axis(Napi::Value value, const std::string& name, const Shape& shape) const;
  // Different indices below `extent`, in an Int32Array; copied.
  std::vector<std::int32_t> indices(Napi::Value value, const std::string& name, std::size_t extent);

  // A typed array of this length, held by the call until it ends, not copied.
  const float* floats(Napi::Value value, const std::string& name, std::size_t length, const std::string& why);
  const double* doubles(Napi::Value value, const std::string& name, std::size_t length, const std::string& why);
  // A Float32Array, or with a `dtype` of 'float16' or 'bfloat16' a Uint16Array of their bits.
  Elements elements(Napi::Value value, const std::string& name, Napi::Value dtype, std::size_t length,
                    const std::string& why, const std::string& dtypeName = "dtype");
  // The same, of the shape; with `strides`, an array that holds all of its elements.
  Strided tensor(Napi::Value value, const std::string& name, const Shape& shape, Napi::Value dtype, Napi::Value strides,
                 const std::string& prefix = "");
  TypedArray ints(Napi::Value value, const std::string& name);
  TypedArray doubles(Napi::Value value, const std::string& name);
  TypedArray numbers(Napi::Value value, const std::string& name);
  // A new JS typed array, filled by the work.
  template <class T>
  T* output(std::size_t length, Napi::Value& value) {
    return static_cast<T*>(allocate(typeOf<T>(), length, value));
  }
  void* allocate(napi_typedarray_type type, std::size_t length, Napi::Value& value);

  // The Int32Array whose first element JavaScript sets to stop the work; undefined when nothing can.
  void cancelBy(Napi::Value token);

  // Runs `work` off the event loop. The promise is fulfilled with `result`, after `after` has run on the JS thread;
  // that one runs whether the work succeeded or not.
  Napi::Value start(std::function<void(const CancelFlag&)> work, Napi::Value result, std::function<void()> after = {});

 private:
  template <class T>
  static constexpr napi_typedarray_type typeOf() {
    if constexpr (std::is_same_v<T, float>) return napi_float32_array;
    if constexpr (std::is_same_v<T, double>) return napi_float64_array;
    return napi_int32_array;
  }
  ElementKind kindOf(Napi::Value dtype, const std::string& name) const;
  // A Float32Array or Uint16Array.
  TypedArray weights(Napi::Value value, const std::string& name, ElementKind kind);
  TypedArray typedArray(Napi::Value value, const std::string& name, const char* expected);
  TypedArray typedArray(Napi::Value value, const std::string& name, napi_typedarray_type type, const char* expected);
  void requireLength(const TypedArray& array, const std::string& name, std::size_t length, const std::string& why) const;

  struct Held {
    Napi::Value value;
    TypedArray array;
    std::string name;
  };

  const Napi::CallbackInfo& info_;
  Napi::Env env_;
  std::vector<Held> held_;
  const std::int32_t* cancelFlag_ = nullptr;
};

// Whether results may be of this type.
bool isAllocated(napi_typedarray_type type);

// Keeps the constructors of typed arrays as they are when the addon is loaded.
void rememberConstructors(Napi::Env env);

}  // namespace tascnet
