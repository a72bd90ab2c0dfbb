#include "../surgery/surgery.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "apart.h"
#include "args.h"
#include "bindings.h"
#include "describe.h"

namespace tascnet {
namespace {

ElementType elementType(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return ElementType::bytes1;
    case napi_int16_array:
    case napi_uint16_array:
      return ElementType::bytes2;
    case napi_float32_array:
      return ElementType::float32;
    case napi_float64_array:
      return ElementType::float64;
    case napi_bigint64_array:
    case napi_biguint64_array:
      return ElementType::bytes8;
    default:
      return ElementType::bytes4;
  }
}

void readMerges(Args& args, Napi::Value value, const std::string& name, std::size_t extent, AxisCut& axis) {
  if (args.absent(value)) return;
  const Napi::Array merges = args.array(value, name);
  std::vector<char> kept(extent);
  for (const std::int32_t index : axis.keep) kept[static_cast<std::size_t>(index)] = 1;
  for (std::uint32_t i = 0; i < merges.Length(); ++i) {
    const std::string at = name + "[" + std::to_string(i) + "]";
    const Napi::Array pair = args.array(merges.Get(i), at);
    if (pair.Length() != 2) args.wrongRange("a pair [from, into]", at, std::to_string(pair.Length()) + " elements");
    if (extent == 0) args.wrongRange("no pair, since the axis is empty", at, "one");
    const std::size_t from = args.integer(pair.Get(0U), at + "[0]", 0, extent - 1);
    const std::size_t into = args.integer(pair.Get(1U), at + "[1]", 0, extent - 1);
    if (kept[from] != 0) args.wrongRange("an index that is removed", at + "[0]", std::to_string(from) + ", which is kept");
    if (kept[into] == 0) args.wrongRange("an index that is kept", at + "[1]", std::to_string(into) + ", which is removed");
    axis.merge.push_back({static_cast<std::int32_t>(from), static_cast<std::int32_t>(into)});
  }
}

// What a `dtype` says of the data, which must be its array.
ElementType statedType(const Args& args, Napi::Value dtype, const std::string& name, napi_typedarray_type type,
                       Napi::Value data) {
  const std::size_t choice = args.choice(dtype, name + ".dtype", {"float32", "float16", "bfloat16"});
  if (choice == 0) {
    if (type != napi_float32_array) args.wrongType("a Float32Array (dtype 'float32')", name + ".data", data);
    return ElementType::float32;
  }
  if (type != napi_uint16_array) args.wrongType("a Uint16Array (of half precision)", name + ".data", data);
  return choice == 1 ? ElementType::float16 : ElementType::bfloat16;
}

bool addable(ElementType type) {
  return type == ElementType::float16 || type == ElementType::bfloat16 || type == ElementType::float32 ||
         type == ElementType::float64;
}

// The keys of a cut, made once a call.
struct Keys {
  explicit Keys(Napi::Env env)
      : data(Napi::String::New(env, "data")),
        dims(Napi::String::New(env, "dims")),
        axes(Napi::String::New(env, "axes")),
        axis(Napi::String::New(env, "axis")),
        keep(Napi::String::New(env, "keep")),
        merge(Napi::String::New(env, "merge")),
        out(Napi::String::New(env, "out")),
        dtype(Napi::String::New(env, "dtype")) {}
  Napi::String data, dims, axes, axis, keep, merge, out, dtype;
};

Cut readCut(Args& args, const Keys& keys, Napi::Value value, const std::string& name, Napi::Array results,
            std::uint32_t index, std::vector<Span>& spans) {
  const Napi::Object entries = args.object(value, name);
  const Shape shape = args.shape(entries.Get(keys.dims), name + ".dims");
  Cut cut;
  cut.dims = shape.dims();
  const Napi::Array axes = args.array(entries.Get(keys.axes), name + ".axes");
  std::vector<char> seen(cut.dims.size());
  bool merges = false;
  for (std::uint32_t i = 0; i < axes.Length(); ++i) {
    const std::string at = name + ".axes[" + std::to_string(i) + "]";
    const Napi::Object entry = args.object(axes.Get(i), at);
    AxisCut axis = {};
    axis.axis = args.axis(entry.Get(keys.axis), at + ".axis", shape);
    if (seen[axis.axis] != 0) args.wrongRange("every axis once", at + ".axis", std::to_string(axis.axis) + " again");
    seen[axis.axis] = 1;
    axis.keep = args.indices(entry.Get(keys.keep), at + ".keep", cut.dims[axis.axis]);
    readMerges(args, entry.Get(keys.merge), at + ".merge", cut.dims[axis.axis], axis);
    merges = merges || !axis.merge.empty();
    cut.axes.push_back(std::move(axis));
  }
  const Napi::Value values = entries.Get(keys.data);
  const TypedArray data = args.numbers(values, name + ".data");
  if (data.length != shape.elements()) {
    args.wrongRange(std::to_string(shape.elements()) + " elements (the product of dims)", name + ".data",
                    std::to_string(data.length));
  }
  cut.data = data.data;
  cut.type = elementType(data.type);
  const Napi::Value dtype = entries.Get(keys.dtype);
  if (!args.absent(dtype)) cut.type = statedType(args, dtype, name, data.type, values);
  if (merges && !addable(cut.type)) {
    args.wrongType("a Float32Array or Float64Array (or a Uint16Array with a dtype), since slices are to be added,",
                   name + ".data", values);
  }
  Napi::Value out = entries.Get(keys.out);
  const std::size_t length = elementsAfter(cut);
  cut.fresh = args.absent(out);
  cut.out = cut.fresh ? args.allocate(data.type, length, out)
                             : roomFor(args, out, name + ".out", data.type, length, "what is kept");
  results.Set(index, out);
  const std::size_t size = sizeOf(cut.type);
  spans.push_back({cut.data, data.length * size, false, name + ".data"});
  spans.push_back({cut.out, length * size, true, name + ".out"});
  return cut;
}

// (cuts, token) → TypedArray[]
Napi::Value apply(const Napi::CallbackInfo& info) {
  Args args(info);
  const Napi::Array given = args.array(info[0], "cuts");
  const Napi::Array results = Napi::Array::New(info.Env());
  const Keys keys(info.Env());
  std::vector<Cut> cuts;
  std::vector<Span> spans;
  for (std::uint32_t i = 0; i < given.Length(); ++i) {
    cuts.push_back(readCut(args, keys, given.Get(i), "cuts[" + std::to_string(i) + "]", results, i, spans));
  }
  requireApart(args, std::move(spans));
  args.cancelBy(info[1]);
  return args.start([cuts = std::move(cuts)](const CancelFlag& cancel) { applySurgery(cuts, cancel); }, results);
}

}  // namespace

void exportSurgery(Napi::Object exports) { exportFunction(exports, "applySurgery", apply); }

}  // namespace tascnet
