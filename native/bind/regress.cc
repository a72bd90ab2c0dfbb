#include "../regress/regress.h"

#include "../fold.h"
#include "apart.h"
#include "bindings.h"
#include "describe.h"
#include "handle.h"

namespace tascnet {
namespace {

constexpr napi_type_tag kTag = {0x7be03f5c2a9d4c18ULL, 0xa44e19d80c5b6f3dULL};
constexpr std::size_t kMostInputs = 16384;
constexpr std::size_t kMostOutputs = 65536;

Handle<LeastSquares> take(const Args& args) { return takeHandle<LeastSquares>(args, 0, kTag, "a LeastSquares"); }

// (inputs, outputs) → handle
Napi::Value create(const Napi::CallbackInfo& info) {
  const Args args(info);
  const std::size_t inputs = args.integer(info[0], "inputs", 1, kMostInputs);
  const std::size_t outputs = args.integer(info[1], "outputs", 1, kMostOutputs);
  try {
    return makeHandle(info.Env(), LeastSquares(inputs, outputs), inputs * (inputs + outputs) * sizeof(double), kTag);
  } catch (const std::bad_alloc&) {
    throw Napi::RangeError::New(info.Env(), "There is not enough memory for the normal equations of " +
                                                std::to_string(inputs) + " inputs and " + std::to_string(outputs) +
                                                " outputs");
  }
}

// (handle, x, y, count, token, dtype)
Napi::Value add(const Napi::CallbackInfo& info) {
  Args args(info);
  const std::size_t count = args.integer(info[3], "count", 0, 0x7FFFFFFF);
  const Handle<LeastSquares> handle = take(args);
  const Elements x = args.elements(info[1], "x", info[5], count * handle->value.inputs(), "count * inputs");
  const Elements y = args.elements(info[2], "y", info[5], count * handle->value.outputs(), "count * outputs");
  args.cancelBy(info[4]);
  return startOn(args, handle, info.Env().Undefined(),
                 [=](LeastSquares& equations, const CancelFlag& cancel) { equations.add(x, y, count, cancel); });
}

// (handle, ridge, prior, token) → Float32Array, inputs × outputs
Napi::Value solve(const Napi::CallbackInfo& info) {
  Args args(info);
  const double ridge = args.number(info[1], "ridge");
  if (ridge < 0) args.wrongRange("a number of at least 0", "ridge", describeNumber(ridge));
  const Handle<LeastSquares> handle = take(args);
  const std::size_t length = handle->value.inputs() * handle->value.outputs();
  const float* prior =
      args.absent(info[2]) ? nullptr : args.floats(info[2], "prior", length, "inputs * outputs");
  args.cancelBy(info[3]);
  Napi::Value result;
  auto* const weights = args.output<float>(length, result);
  return startOn(args, handle, result, [=](const LeastSquares& equations, const CancelFlag& cancel) {
    equations.solve(ridge, prior, weights, cancel);
  });
}

using Fold = void (*)(const Channels&, const float*, const BatchNorm&, float*, float*, const CancelFlag&);

// (weight, dims, axis, bias, scale, shift, mean, variance, epsilon, token, out: { weight, bias }) → { weight, bias }
Napi::Value fold(const Napi::CallbackInfo& info, Fold run) {
  Args args(info);
  const Shape shape = args.shape(info[1], "dims");
  const std::size_t axis = args.axis(info[2], "axis", shape);
  const double epsilon = args.number(info[8], "epsilon");
  if (epsilon < 0) args.wrongRange("a number of at least 0", "epsilon", describeNumber(epsilon));
  const float* weight = args.floats(info[0], "weight", shape.elements(), "the product of dims");
  const std::size_t channels = shape[axis];
  constexpr const char* kWhy = "dims[axis]";
  const float* bias = args.absent(info[3]) ? nullptr : args.floats(info[3], "bias", channels, kWhy);
  const BatchNorm norm = {args.floats(info[4], "scale", channels, kWhy), args.floats(info[5], "shift", channels, kWhy),
                          args.floats(info[6], "mean", channels, kWhy),
                          args.floats(info[7], "variance", channels, kWhy), epsilon};
  args.cancelBy(info[9]);
  Napi::Object result = Napi::Object::New(info.Env());
  float* weightOut = nullptr;
  float* biasOut = nullptr;
  if (args.absent(info[10])) {
    Napi::Value weightValue;
    Napi::Value biasValue;
    weightOut = args.output<float>(shape.elements(), weightValue);
    biasOut = args.output<float>(channels, biasValue);
    result.Set("weight", weightValue);
    result.Set("bias", biasValue);
  } else {
    result = args.object(info[10], "out");
    const auto room = [&](const char* key, std::size_t length, const char* why) {
      return static_cast<float*>(
          roomFor(args, result.Get(key), std::string("out.") + key, napi_float32_array, length, why));
    };
    weightOut = room("weight", shape.elements(), "the product of dims");
    biasOut = room("bias", channels, kWhy);
    const std::size_t bytes = channels * sizeof(float);
    const std::size_t weightBytes = shape.elements() * sizeof(float);
    requireApart(args, {{weight, weightBytes, false, "weight"},
                        {bias, bias == nullptr ? 0 : bytes, false, "bias"},
                        {norm.scale, bytes, false, "scale"},
                        {norm.shift, bytes, false, "shift"},
                        {norm.mean, bytes, false, "mean"},
                        {norm.variance, bytes, false, "variance"},
                        {weightOut, weightBytes, true, "out.weight"},
                        {biasOut, bytes, true, "out.bias"}});
  }
  const Channels view = channelsAlong(weight, shape.dims(), axis);
  return args.start([=](const CancelFlag& cancel) { run(view, bias, norm, weightOut, biasOut, cancel); }, result);
}

Napi::Value foldCall(const Napi::CallbackInfo& info) { return fold(info, foldBatchNorm); }
Napi::Value unfoldCall(const Napi::CallbackInfo& info) { return fold(info, unfoldBatchNorm); }

}  // namespace

void exportRegression(Napi::Object exports) {
  exportFunction(exports, "regressCreate", create);
  exportFunction(exports, "regressAdd", add);
  exportFunction(exports, "regressSolve", solve);
  exportFunction(exports, "foldBatchNorm", foldCall);
  exportFunction(exports, "unfoldBatchNorm", unfoldCall);
}

}  // namespace tascnet
