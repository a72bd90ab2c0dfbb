#include "../score/history.h"

#include <algorithm>

#include "../score/pairs.h"
#include "bindings.h"
#include "handle.h"

namespace tascnet {
namespace {

constexpr napi_type_tag kTag = {0x5f1c0f7a62a84f0eULL, 0x9a3f4e0d7b6c2211ULL};
constexpr std::size_t kMostChannels = 16384;

Handle<History> take(const Args& args) { return takeHandle<History>(args, 0, kTag, "a History"); }

// (dims, axis) → handle
Napi::Value create(const Napi::CallbackInfo& info) {
  const Args args(info);
  const Shape shape = args.shape(info[0], "dims");
  const std::size_t channels = shape[args.axis(info[1], "axis", shape)];
  if (channels > kMostChannels) {
    args.wrongRange("at most " + std::to_string(kMostChannels) + " channels", "dims[axis]", std::to_string(channels));
  }
  try {
    return makeHandle(info.Env(), History(channels), channels * (channels + 1) * sizeof(double), kTag);
  } catch (const std::bad_alloc&) {
    throw Napi::RangeError::New(info.Env(), "There is not enough memory for a history of " + std::to_string(channels) +
                                                " channels");
  }
}

// (handle, weights, dims, axis, token, dtype, strides)
Napi::Value record(const Napi::CallbackInfo& info) {
  Args args(info);
  const Shape shape = args.shape(info[2], "dims");
  const std::size_t axis = args.axis(info[3], "axis", shape);
  const Strided weights = args.tensor(info[1], "weights", shape, info[5], info[6]);
  args.cancelBy(info[4]);
  const Handle<History> handle = take(args);
  if (shape[axis] != handle->value.channels()) {
    args.wrongRange(std::to_string(handle->value.channels()) + " channels along axis " + std::to_string(axis), "dims",
                    std::to_string(shape[axis]));
  }
  return startOn(args, handle, info.Env().Undefined(), [=](History& history, const CancelFlag& cancel) {
    history.record(RowMajor(weights, cancel).along(axis), cancel);
  });
}

// (handle) → Float64Array
Napi::Value l1(const Napi::CallbackInfo& info) {
  Args args(info);
  const Handle<History> handle = take(args);
  Napi::Value result;
  double* const norms = args.output<double>(handle->value.channels(), result);
  std::copy(handle->value.l1().begin(), handle->value.l1().end(), norms);
  return result;
}

// (handle, token) → Float64Array, n × n
Napi::Value gram(const Napi::CallbackInfo& info) {
  Args args(info);
  const Handle<History> handle = take(args);
  args.cancelBy(info[1]);
  Napi::Value result;
  double* const out = args.output<double>(handle->value.channels() * handle->value.channels(), result);
  return startOn(args, handle, result, [=](History& history, const CancelFlag& cancel) {
    const std::vector<double>& gram = history.gram(cancel);
    for (std::size_t row = 0; row < gram.size(); row += history.channels()) {
      cancel.check();
      std::copy_n(gram.data() + row, history.channels(), out + row);
    }
  });
}

// (handle, token) → Float64Array, n × n
Napi::Value cosineOf(const Napi::CallbackInfo& info) {
  Args args(info);
  const Handle<History> handle = take(args);
  args.cancelBy(info[1]);
  Napi::Value result;
  double* const out = args.output<double>(handle->value.channels() * handle->value.channels(), result);
  return startOn(args, handle, result, [=](History& history, const CancelFlag& cancel) {
    cosine(history.gram(cancel).data(), history.channels(), out, cancel);
  });
}

// (handle, k, token) → { first, second, similarity }
Napi::Value topPairsOf(const Napi::CallbackInfo& info) {
  Args args(info);
  const std::size_t wanted = args.integer(info[1], "k", 0, (std::size_t{1} << 53) - 1);
  const Handle<History> handle = take(args);
  args.cancelBy(info[2]);
  const std::size_t channels = handle->value.channels();
  const std::size_t count = channels == 0 ? 0 : std::min(wanted, channels * (channels - 1) / 2);
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
  return startOn(args, handle, result, [=](History& history, const CancelFlag& cancel) {
    const std::vector<Pair> pairs = topPairs(history.gram(cancel).data(), history.channels(), count, cancel);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      firsts[i] = pairs[i].first;
      seconds[i] = pairs[i].second;
      similarities[i] = pairs[i].similarity;
    }
  });
}

// (handle, indices, token)
Napi::Value keep(const Napi::CallbackInfo& info) {
  Args args(info);
  const Handle<History> handle = take(args);
  const std::vector<std::int32_t> indices = args.indices(info[1], "indices", handle->value.channels());
  args.cancelBy(info[2]);
  return startOn(args, handle, info.Env().Undefined(),
                 [indices](History& history, const CancelFlag& cancel) { history.keep(indices, cancel); });
}

// (handle, room, token) → Float64Array: `room` zeros for the caller's header, then the state
Napi::Value save(const Napi::CallbackInfo& info) {
  Args args(info);
  const std::size_t room = args.integer(info[1], "room", 0, 16);
  const Handle<History> handle = take(args);
  args.cancelBy(info[2]);
  Napi::Value result;
  double* const state = args.output<double>(room + History::stateLength(handle->value.channels()), result);
  return startOn(args, handle, result, [=](History& history, const CancelFlag& cancel) {
    std::fill(state, state + room, 0.0);
    history.save(state + room, cancel);
  });
}

// (handle, state, token)
Napi::Value restore(const Napi::CallbackInfo& info) {
  Args args(info);
  const Handle<History> handle = take(args);
  const double* state = args.doubles(info[1], "state", History::stateLength(handle->value.channels()),
                                     "n + n * (n + 1) / 2 for n channels");
  args.cancelBy(info[2]);
  return startOn(args, handle, info.Env().Undefined(),
                 [=](History& history, const CancelFlag& cancel) { history.restore(state, cancel); });
}

}  // namespace

void exportHistory(Napi::Object exports) {
  exportFunction(exports, "historyCreate", create);
  exportFunction(exports, "historyRecord", record);
  exportFunction(exports, "historyL1", l1);
  exportFunction(exports, "historyGram", gram);
  exportFunction(exports, "historyCosine", cosineOf);
  exportFunction(exports, "historyTopPairs", topPairsOf);
  exportFunction(exports, "historyKeep", keep);
  exportFunction(exports, "historySave", save);
  exportFunction(exports, "historyRestore", restore);
}

}  // namespace tascnet
