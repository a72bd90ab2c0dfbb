#include <algorithm>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../score/norms.h"
#include "../score/pairs.h"
#include "args.h"
#include "bindings.h"
#include "describe.h"

namespace tascnet {
namespace {

constexpr std::size_t kMostCompared = 16384;  // channels whose square of doubles (2 GiB) is worth having

constexpr std::initializer_list<const char*> kNorms = {"l1", "l2", "linf", "sumSquares"};

void normsOf(const Channels& channels, std::size_t kind, double* scores, const CancelFlag& cancel) {
  constexpr Reduction kReductions[] = {Reduction::l1, Reduction::sumSquares, Reduction::linf, Reduction::sumSquares};
  reduceChannels(channels, nullptr, kReductions[kind], scores, cancel);
  if (kind == 1) std::transform(scores, scores + channels.channels, scores, [](double s) { return std::sqrt(s); });
}

// (tensor, dims, axis, kind, token, dtype, strides) → Float64Array
Napi::Value norms(const Napi::CallbackInfo& info) {
  Args args(info);
  const Shape shape = args.shape(info[1], "dims");
  const std::size_t axis = args.axis(info[2], "axis", shape);
  const std::size_t kind = args.choice(info[3], "kind", kNorms);
  const Strided tensor = args.tensor(info[0], "tensor", shape, info[5], info[6]);
  args.cancelBy(info[4]);
  Napi::Value result;
  double* const scores = args.output<double>(shape[axis], result);
  return args.start(
      [=](const CancelFlag& cancel) { normsOf(RowMajor(tensor, cancel).along(axis), kind, scores, cancel); }, result);
}

// (tensors, kind, token) → Float64Array[]
Napi::Value normsOfAll(const Napi::CallbackInfo& info) {
  Args args(info);
  const Napi::Array given = args.array(info[0], "tensors");
  const std::size_t kind = args.choice(info[1], "kind", kNorms);
  const Napi::Array results = Napi::Array::New(info.Env());
  struct Task {
    Strided tensor;
    std::size_t axis;
    double* scores;
  };
  std::vector<Task> tasks;
  for (std::uint32_t i = 0; i < given.Length(); ++i) {
    const std::string name = "tensors[" + std::to_string(i) + "]";
    const Napi::Object entry = args.object(given.Get(i), name);
    const Shape shape = args.shape(entry.Get("dims"), name + ".dims");
    const std::size_t axis = args.axis(entry.Get("axis"), name + ".axis", shape);
    const Strided tensor =
        args.tensor(entry.Get("data"), name + ".data", shape, entry.Get("dtype"), entry.Get("strides"), name + ".");
    Napi::Value result;
    double* const scores = args.output<double>(shape[axis], result);
    results.Set(i, result);
    tasks.push_back({tensor, axis, scores});
  }
  args.cancelBy(info[2]);
  return args.start(
      [tasks = std::move(tasks), kind](const CancelFlag& cancel) {
        for (const auto& [tensor, axis, scores] : tasks) {
          normsOf(RowMajor(tensor, cancel).along(axis), kind, scores, cancel);
        }
      },
      results);
}

// (weight, gradient, dims, axis, kind, token, dtype, strides) → Float64Array
Napi::Value taylor(const Napi::CallbackInfo& info) {
  Args args(info);
  const Shape shape = args.shape(info[2], "dims");
  const std::size_t axis = args.axis(info[3], "axis", shape);
  const std::size_t kind = args.choice(info[4], "kind", {"signed", "absolute", "squared"});
  const Strided weight = args.tensor(info[0], "weight", shape, info[6], info[7]);
  const Strided gradient = args.tensor(info[1], "gradient", shape, info[6], info[7]);
  args.cancelBy(info[5]);
  Napi::Value result;
  double* const scores = args.output<double>(shape[axis], result);
  const std::size_t channels = shape[axis];
  return args.start(
      [=](const CancelFlag& cancel) {
        const RowMajor weights(weight, cancel);
        const RowMajor gradients(gradient, cancel);
        reduceChannels(weights.along(axis), &gradients.data(), Reduction::product, scores, cancel);
        if (kind == 0) return;
        std::transform(scores, scores + channels, scores,
                       [kind](double s) { return kind == 1 ? std::fabs(s) : s * s; });
      },
      result);
}

// (tensor, dims, axis, token, dtype, strides) → Float64Array
Napi::Value geometricMedianOf(const Napi::CallbackInfo& info) {
  Args args(info);
  const Shape shape = args.shape(info[1], "dims");
  const std::size_t axis = args.axis(info[2], "axis", shape);
  if (shape[axis] > kMostCompared) {
    args.wrongRange("at most " + std::to_string(kMostCompared) + " channels", "dims[axis]", std::to_string(shape[axis]));
  }
  const Strided tensor = args.tensor(info[0], "tensor", shape, info[4], info[5]);
  args.cancelBy(info[3]);
  Napi::Value result;
  double* const scores = args.output<double>(shape[axis], result);
  return args.start(
      [=](const CancelFlag& cancel) { geometricMedian(RowMajor(tensor, cancel).along(axis), scores, cancel); }, result);
}

// (tensor, dims, axis, token, dtype, strides) → Float64Array
Napi::Value lampOf(const Napi::CallbackInfo& info) {
  Args args(info);
  const Shape shape = args.shape(info[1], "dims");
  const std::size_t axis = args.axis(info[2], "axis", shape);
  const Strided tensor = args.tensor(info[0], "tensor", shape, info[4], info[5]);
  args.cancelBy(info[3]);
  Napi::Value result;
  double* const scores = args.output<double>(shape[axis], result);
  return args.start([=](const CancelFlag& cancel) { lamp(RowMajor(tensor, cancel).along(axis), scores, cancel); }, result);
}

// (gram, n, k, token) → { first, second, similarity }
Napi::Value cosinePairs(const Napi::CallbackInfo& info) {
  Args args(info);
  const std::size_t channels = args.integer(info[1], "n", 0, kMostCompared);
  const std::size_t all = channels == 0 ? 0 : channels * (channels - 1) / 2;
  const std::size_t wanted = args.integer(info[2], "k", 0, (std::size_t{1} << 53) - 1);
  const double* gram = args.doubles(info[0], "gram", channels * channels, "n * n");
  args.cancelBy(info[3]);
  const std::size_t count = std::min(all, wanted);
  Napi::Value first;
  Napi::Value second;
  Napi::Value similarity;
  auto* const firsts = args.output<std::int32_t>(count, first);
  auto* const seconds = args.output<std::int32_t>(count, second);
  double* const similarities = args.output<double>(count, similarity);
  const Napi::Object result = Napi::Object::New(info.Env());
  result.Set("first", first);
  result.Set("second", second);
  result.Set("similarity", similarity);
  return args.start(
      [=](const CancelFlag& cancel) {
        for (std::size_t i = 0; i < channels; ++i) {
          const double square = gram[i * channels + i];
          if (std::isfinite(square) && square >= 0) continue;
          throw std::range_error("Expected finite squares of norms for gram but received " + describeNumber(square) +
                                 " for channel " + std::to_string(i));
        }
        for (std::size_t i = 0; i < channels * channels; ++i) {
          if (std::isfinite(gram[i])) continue;
          throw std::range_error("Expected finite numbers for gram but received " + describeNumber(gram[i]) +
                                 " at index " + std::to_string(i));
        }
        const std::vector<Pair> pairs = topPairs(gram, channels, count, cancel);
        for (std::size_t i = 0; i < pairs.size(); ++i) {
          firsts[i] = pairs[i].first;
          seconds[i] = pairs[i].second;
          similarities[i] = pairs[i].similarity;
        }
      },
      result);
}

// (scores, count, token) → Int32Array
Napi::Value rank(const Napi::CallbackInfo& info) {
  Args args(info);
  const TypedArray scores = args.doubles(info[0], "scores");
  if (scores.length > 0x7FFFFFFF) args.wrongRange("at most 2^31 - 1 elements", "scores", std::to_string(scores.length));
  const std::size_t count =
      args.absent(info[1]) ? scores.length : args.integer(info[1], "count", 0, scores.length);
  args.cancelBy(info[2]);
  Napi::Value result;
  auto* const order = args.output<std::int32_t>(count, result);
  return args.start(
      [=](const CancelFlag& cancel) {
        cancel.check();
        // A copy: were JavaScript to write the scores meanwhile, the comparison would contradict itself.
        const auto* const data = static_cast<const double*>(scores.data);
        const std::vector<double> values(data, data + scores.length);
        for (std::size_t i = 0; i < values.size(); ++i) {
          if (!std::isnan(values[i])) continue;
          throw std::range_error("Expected numbers for scores but received NaN at index " + std::to_string(i));
        }
        const std::vector<std::int32_t> ranked = rankChannels(values.data(), values.size(), count, cancel);
        std::copy(ranked.begin(), ranked.end(), order);
      },
      result);
}

}  // namespace

void exportScores(Napi::Object exports) {
  exportFunction(exports, "norms", norms);
  exportFunction(exports, "normsOfAll", normsOfAll);
  exportFunction(exports, "taylor", taylor);
  exportFunction(exports, "geometricMedian", geometricMedianOf);
  exportFunction(exports, "lamp", lampOf);
  exportFunction(exports, "cosinePairs", cosinePairs);
  exportFunction(exports, "rankChannels", rank);
}

}  // namespace tascnet
