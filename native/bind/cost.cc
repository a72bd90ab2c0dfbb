#include "../cost/cost.h"

#include <algorithm>

#include "bindings.h"
#include "handle.h"

namespace tascnet {
namespace {

constexpr napi_type_tag kTag = {0x1d5e27c49b1f4f55ULL, 0x8b0c6f2e4d3a7712ULL};
constexpr std::size_t kMost = 0x7FFFFFF;

std::vector<std::int32_t> readInts(Args& args, Napi::Object from, const char* name, std::size_t most) {
  const TypedArray array = args.ints(from.Get(name), name);
  const auto* data = static_cast<const std::int32_t*>(array.data);
  for (std::size_t i = 0; i < array.length; ++i) {
    if (data[i] >= 0 && static_cast<std::size_t>(data[i]) < most) continue;
    args.wrongRange("an index below " + std::to_string(most), std::string(name) + "[" + std::to_string(i) + "]",
                    std::to_string(data[i]));
  }
  return {data, data + array.length};
}

std::vector<double> readDoubles(Args& args, Napi::Object from, const char* name) {
  const TypedArray array = args.doubles(from.Get(name), name);
  const auto* data = static_cast<const double*>(array.data);
  return {data, data + array.length};
}

// Positions at which the parts of a list of `total` elements begin, and its end.
std::vector<std::int32_t> readStarts(Args& args, Napi::Object from, const char* name, std::size_t parts,
                                     std::size_t total) {
  const std::vector<std::int32_t> starts = readInts(args, from, name, total + 1);
  const bool ends = starts.size() == parts + 1 && starts.front() == 0 &&
                    static_cast<std::size_t>(starts.back()) == total;
  if (!ends || !std::is_sorted(starts.begin(), starts.end())) {
    args.wrongRange("ascending positions from 0 to " + std::to_string(total) + ", one more than there are parts (" +
                        std::to_string(parts) + ")", name, std::to_string(starts.size()) + " others");
  }
  return starts;
}

// (program) → handle
Napi::Value compile(const Napi::CallbackInfo& info) {
  Args args(info);
  const Napi::Object given = args.object(info[0], "program");
  CostProgram program;
  program.groups = args.integer(given.Get("groups"), "groups", 0, kMost);
  program.kinds = args.integer(given.Get("kinds"), "kinds", 1, 4096);
  program.formConstant = readDoubles(args, given, "formConstant");
  program.formMultiplicity = readDoubles(args, given, "formMultiplicity");
  program.formGroup = readInts(args, given, "formGroup", program.groups);
  program.termCoefficient = readDoubles(args, given, "termCoefficient");
  program.termForm = readInts(args, given, "termForm", program.formConstant.size());
  program.stepKind = readInts(args, given, "stepKind", program.kinds);
  if (program.formGroup.size() != program.formMultiplicity.size()) {
    args.wrongRange(std::to_string(program.formGroup.size()) + " elements", "formMultiplicity",
                    std::to_string(program.formMultiplicity.size()));
  }
  program.formStart = readStarts(args, given, "formStart", program.formConstant.size(), program.formGroup.size());
  program.termStart = readStarts(args, given, "termStart", program.termCoefficient.size(), program.termForm.size());
  program.stepStart = readStarts(args, given, "stepStart", program.stepKind.size(), program.termCoefficient.size());
  return makeHandle(info.Env(), std::move(program), 0, kTag);
}

// (handle, configurations, token) → Float64Array, count × kinds
Napi::Value evaluateAll(const Napi::CallbackInfo& info) {
  Args args(info);
  const Handle<CostProgram> handle = takeHandle<CostProgram>(args, 0, kTag, "a compiled cost");
  const TypedArray configurations = args.ints(info[1], "configurations");
  args.cancelBy(info[2]);
  const std::size_t groups = handle->value.groups;
  if (groups == 0 ? configurations.length != 0 : configurations.length % groups != 0) {
    args.wrongRange("a multiple of the number of groups (" + std::to_string(groups) + ") as length", "configurations",
                    std::to_string(configurations.length));
  }
  const std::size_t count = groups == 0 ? 1 : configurations.length / groups;
  Napi::Value result;
  double* const costs = args.output<double>(count * handle->value.kinds, result);
  const auto* data = static_cast<const std::int32_t*>(configurations.data);
  // Several evaluations may run at once: they only read the program.
  return args.start([=](const CancelFlag& cancel) { evaluate(handle->value, data, count, costs, cancel); }, result);
}

}  // namespace

void exportCost(Napi::Object exports) {
  exportFunction(exports, "costCompile", compile);
  exportFunction(exports, "costEvaluate", evaluateAll);
}

}  // namespace tascnet
