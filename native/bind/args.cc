#include "args.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "call.h"
#include "describe.h"

namespace tascnet {
namespace {

constexpr std::size_t kMostDims = 16;
constexpr std::size_t kMostExtent = 0x7FFFFFFF;
constexpr std::size_t kMostElements = (std::size_t{1} << 53) - 1;

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
constexpr std::size_t kHugePages = 2 * 1024 * 1024;  // from here on huge pages are asked for

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

// Most of the time of filling new memory is its page faults; with huge pages there are 512 times fewer.
void preferHugePages([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (bytes < kHugePages) return;
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(data) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(data) + bytes;
  // Advice alone: where it is refused, pages are small.
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

}  // namespace

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

Channels Shape::along(std::size_t axis, const float* data) const {
  Channels view = {data, 1, dims_[axis], 1};
  for (std::size_t a = 0; a < axis; ++a) view.outer *= dims_[a];
  for (std::size_t a = axis + 1; a < dims_.size(); ++a) view.inner *= dims_[a];
  return view;
}

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
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::string at = name + "[" + std::to_string(i) + "]";
    if (result[i] < 0 || static_cast<std::size_t>(result[i]) >= extent) {
      wrongRange("an index from 0 to " + describeNumber(static_cast<double>(extent) - 1), at,
                 std::to_string(result[i]));
    }
    char& taken = seen[static_cast<std::size_t>(result[i])];
    if (taken != 0) wrongRange("every index once", at, std::to_string(result[i]) + " again");
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
  if (std::find(kAllocated.begin(), kAllocated.end(), array.type) == kAllocated.end()) {
    wrongType("a typed array of a known kind", name, value);
  }
  return array;
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
