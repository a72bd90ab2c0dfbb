#include "args.h"

#include <algorithm>
#include <cmath>

#include "call.h"
#include "describe.h"

namespace tascnet {
namespace {

constexpr std::size_t kMostDims = 16;
constexpr std::size_t kMostExtent = 0x7FFFFFFF;
constexpr std::size_t kMostElements = (std::size_t{1} << 53) - 1;

}  // namespace

void Args::wrongType(const std::string& expected, const std::string& name, Napi::Value received) const {
  throw Napi::TypeError::New(env_, "Expected " + expected + " for " + name + " but received " + describe(received));
}

void Args::wrongRange(const std::string& expected, const std::string& name, const std::string& received) const {
  throw Napi::RangeError::New(env_, "Expected " + expected + " for " + name + " but received " + received);
}

Napi::Object Args::object(Napi::Value value, const std::string& name) const {
  if (!value.IsObject() || value.IsFunction()) wrongType("an object", name, value);
  return value.As<Napi::Object>();
}

Napi::Array Args::array(Napi::Value value, const std::string& name) const {
  if (!value.IsArray()) wrongType("an array", name, value);
  return value.As<Napi::Array>();
}

double Args::number(Napi::Value value, const std::string& name) const {
  if (!value.IsNumber()) wrongType("a number", name, value);
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!std::isfinite(number)) wrongRange("a finite number", name, describeNumber(number));
  return number;
}

std::size_t Args::integer(Napi::Value value, const std::string& name, std::size_t least, std::size_t most) const {
  if (!value.IsNumber()) wrongType("an integer", name, value);
  const double number = value.As<Napi::Number>().DoubleValue();
  if (std::floor(number) != number || number < static_cast<double>(least) || number > static_cast<double>(most)) {
    wrongRange("an integer from " + std::to_string(least) + " to " + std::to_string(most), name,
               describeNumber(number));
  }
  return static_cast<std::size_t>(number);
}

std::size_t Args::choice(Napi::Value value, const std::string& name, std::initializer_list<const char*> choices) const {
  const std::string text = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
  std::string listed;
  std::size_t index = 0;
  for (const char* choice : choices) {
    if (text == choice) return index;
    listed += (index++ == 0 ? "'" : ", '") + std::string(choice) + "'";
  }
  wrongType("one of " + listed, name, value);
}

Shape Args::shape(Napi::Value value, const std::string& name) const {
  const Napi::Array list = array(value, name);
  const std::size_t rank = list.Length();
  if (rank == 0 || rank > kMostDims) {
    wrongRange("1 to " + std::to_string(kMostDims) + " extents", name, std::to_string(rank));
  }
  std::vector<std::size_t> dims;
  std::size_t elements = 1;
  bool empty = false;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::size_t dim =
        integer(list.Get(static_cast<std::uint32_t>(i)), name + "[" + std::to_string(i) + "]", 0, kMostExtent);
    dims.push_back(dim);
    empty = empty || dim == 0;
    if (dim != 0 && elements > kMostElements / dim) {
      wrongRange("a product of extents below 2^53", name, "more than that");
    }
    if (dim != 0) elements *= dim;
  }
  return {std::move(dims), empty ? 0 : elements};
}

std::size_t Args::axis(Napi::Value value, const std::string& name, const Shape& shape) const {
  return integer(value, name, 0, shape.dims().size() - 1);
}

std::vector<std::int32_t> Args::indices(Napi::Value value, const std::string& name, std::size_t extent) {
  const TypedArray array = ints(value, name);
  const auto* data = static_cast<const std::int32_t*>(array.data);
  std::vector<std::int32_t> result(data, data + array.length);
  std::vector<char> seen(extent);
  // Names are made only where they are told: one for every index would take longer than the rest of a call.
  const auto at = [&](std::size_t i) { return name + "[" + std::to_string(i) + "]"; };
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (result[i] < 0 || static_cast<std::size_t>(result[i]) >= extent) {
      wrongRange("an index from 0 to " + describeNumber(static_cast<double>(extent) - 1), at(i),
                 std::to_string(result[i]));
    }
    char& taken = seen[static_cast<std::size_t>(result[i])];
    if (taken != 0) wrongRange("every index once", at(i), std::to_string(result[i]) + " again");
    taken = 1;
  }
  return result;
}

TypedArray Args::typedArray(Napi::Value value, const std::string& name, const char* expected) {
  if (!value.IsTypedArray()) wrongType(expected, name, value);
  TypedArray array{};
  napi_value buffer = nullptr;
  std::size_t offset = 0;
  const napi_status status =
      napi_get_typedarray_info(env_, value, &array.type, &array.length, &array.data, &buffer, &offset);
  if (status != napi_ok) wrongType(expected, name, value);
  bool plain = false;
  napi_is_arraybuffer(env_, buffer, &plain);
  if (!plain) {
    throw Napi::TypeError::New(env_, "Expected memory of its own for " + name + " but received " + describe(value) +
                                         " on a SharedArrayBuffer: pass a copy (slice())");
  }
  bool detached = false;
  napi_is_detached_arraybuffer(env_, buffer, &detached);
  if (detached) {
    throw Napi::TypeError::New(env_, "Expected " + std::string(expected) + " for " + name +
                                         " but received one whose buffer was transferred (detached)");
  }
  const Napi::Value resizable = Napi::Object(env_, buffer).Get("resizable");
  if (resizable.IsBoolean() && resizable.As<Napi::Boolean>().Value()) {
    throw Napi::TypeError::New(env_, "Expected memory of a fixed size for " + name + " but received " +
                                         describe(value) + " on a resizable ArrayBuffer: pass a copy (slice())");
  }
  held_.push_back({value, array, name});
  return array;
}

TypedArray Args::typedArray(Napi::Value value, const std::string& name, napi_typedarray_type type,
                            const char* expected) {
  const TypedArray array = typedArray(value, name, expected);
  if (array.type != type) wrongType(expected, name, value);
  return array;
}

void Args::requireLength(const TypedArray& array, const std::string& name, std::size_t length,
                         const std::string& why) const {
  if (array.length == length) return;
  wrongRange(std::to_string(length) + " elements (" + why + ")", name, std::to_string(array.length));
}

const float* Args::floats(Napi::Value value, const std::string& name, std::size_t length, const std::string& why) {
  const TypedArray array = typedArray(value, name, napi_float32_array, "a Float32Array");
  requireLength(array, name, length, why);
  return static_cast<const float*>(array.data);
}

TypedArray Args::doubles(Napi::Value value, const std::string& name) {
  return typedArray(value, name, napi_float64_array, "a Float64Array");
}

ElementKind Args::kindOf(Napi::Value dtype, const std::string& name) const {
  constexpr ElementKind kKinds[] = {ElementKind::float32, ElementKind::float16, ElementKind::bfloat16};
  return absent(dtype) ? ElementKind::float32 : kKinds[choice(dtype, name, {"float32", "float16", "bfloat16"})];
}

TypedArray Args::weights(Napi::Value value, const std::string& name, ElementKind kind) {
  if (kind == ElementKind::float32) return typedArray(value, name, napi_float32_array, "a Float32Array");
  return typedArray(value, name, napi_uint16_array,
                    kind == ElementKind::float16 ? "a Uint16Array (dtype 'float16')" : "a Uint16Array (dtype 'bfloat16')");
}

Elements Args::elements(Napi::Value value, const std::string& name, Napi::Value dtype, std::size_t length,
                        const std::string& why, const std::string& dtypeName) {
  const ElementKind kind = kindOf(dtype, dtypeName);
  const TypedArray array = weights(value, name, kind);
  requireLength(array, name, length, why);
  return {array.data, kind};
}

Strided Args::tensor(Napi::Value value, const std::string& name, const Shape& shape, Napi::Value dtype,
                     Napi::Value strides, const std::string& prefix) {
  if (absent(strides)) {
    return {elements(value, name, dtype, shape.elements(), "the product of dims", prefix + "dtype"), shape.dims(), {}};
  }
  const ElementKind kind = kindOf(dtype, prefix + "dtype");
  const TypedArray array = weights(value, name, kind);
  const std::string listName = prefix + "strides";
  const Napi::Array list = this->array(strides, listName);
  if (list.Length() != shape.dims().size()) {
    wrongRange("as many numbers as dims has", listName, std::to_string(list.Length()));
  }
  std::vector<std::size_t> steps;
  std::size_t last = 0;
  // Not as many as the list has by now: reading it may run code of the caller's (getters) that changes it.
  for (std::size_t a = 0; a < shape.dims().size(); ++a) {
    const std::string at = listName + "[" + std::to_string(a) + "]";
    const std::size_t step = integer(list.Get(static_cast<std::uint32_t>(a)), at, 0, kMostElements);
    steps.push_back(step);
    const std::size_t moves = shape.elements() == 0 ? 0 : shape[a] - 1;
    if (step != 0 && moves > (array.length - std::min(array.length, last + 1)) / step) {
      wrongRange("strides within the " + std::to_string(array.length) + " elements of " + name, at, std::to_string(step));
    }
    last += moves * step;
  }
  // Also where strides of 0 say the same elements again: a copy of them all must not outgrow the memory.
  if (shape.elements() > array.length) {
    wrongRange("at least " + std::to_string(shape.elements()) + " elements (the product of dims)", name,
               std::to_string(array.length));
  }
  return {{array.data, kind}, shape.dims(), std::move(steps)};
}

const double* Args::doubles(Napi::Value value, const std::string& name, std::size_t length, const std::string& why) {
  const TypedArray array = doubles(value, name);
  requireLength(array, name, length, why);
  return static_cast<const double*>(array.data);
}

TypedArray Args::ints(Napi::Value value, const std::string& name) {
  return typedArray(value, name, napi_int32_array, "an Int32Array");
}

TypedArray Args::numbers(Napi::Value value, const std::string& name) {
  const TypedArray array = typedArray(value, name, "a typed array");
  if (!isAllocated(array.type)) {
    wrongType("a typed array of a known kind", name, value);
  }
  return array;
}

void Args::cancelBy(Napi::Value token) {
  if (absent(token)) return;
  const TypedArray array = ints(token, "token");
  if (array.length == 0) wrongRange("one element", "token", "none");
  cancelFlag_ = static_cast<const std::int32_t*>(array.data);
}

Napi::Value Args::start(std::function<void(const CancelFlag&)> work, Napi::Value result, std::function<void()> after) {
  std::vector<Napi::Value> values;
  for (const Held& held : held_) {
    // Reading the other arguments may have run code of the caller's (getters) that took the memory away.
    TypedArray now{};
    std::size_t offset = 0;
    napi_value buffer = nullptr;
    napi_get_typedarray_info(env_, held.value, &now.type, &now.length, &now.data, &buffer, &offset);
    if (now.data != held.array.data || now.length != held.array.length) {
      throw Napi::TypeError::New(env_, "Expected memory that stays for " + held.name +
                                           " but its buffer was transferred while the arguments were read");
    }
    values.push_back(held.value);
  }
  return Call::start(env_, values, result, CancelFlag(cancelFlag_), std::move(work), std::move(after));
}

}  // namespace tascnet
