#include "call.h"

#include <memory>
#include <new>
#include <stdexcept>
#include <utility>

#include "../yielding.h"

namespace tascnet {

Call::Call(Napi::Env env, CancelFlag cancel, std::function<void(const CancelFlag&)> work, std::function<void()> after)
    : Napi::AsyncWorker(env, "tascnet"), cancel_(cancel), work_(std::move(work)), after_(std::move(after)) {}

Napi::Value Call::start(Napi::Env env, const std::vector<Napi::Value>& held, Napi::Value result, CancelFlag cancel,
                        std::function<void(const CancelFlag&)> work, std::function<void()> after) {
  std::unique_ptr<Call> call(new Call(env, cancel, std::move(work), std::move(after)));
  const Napi::Array kept = Napi::Array::New(env, held.size() + 1);
  kept.Set(0U, result);
  for (std::size_t i = 0; i < held.size(); ++i) kept.Set(static_cast<std::uint32_t>(i + 1), held[i]);
  call->kept_ = Napi::Persistent(kept.As<Napi::Object>());
  napi_value promise = nullptr;
  if (napi_create_promise(env, &call->deferred_, &promise) != napi_ok) throw Napi::Error::New(env);
  call->Queue();
  call.release();  // Deletes itself when it has ended.
  return {env, promise};
}

void Call::Execute() {
  const Yielding yielding;
  try {
    work_(cancel_);
  } catch (const Cancelled&) {
    outcome_ = Outcome::cancelled;
    message_ = "The call was stopped by its AbortSignal";
  } catch (const std::range_error& error) {
    outcome_ = Outcome::outOfRange;
    message_ = error.what();
  } catch (const std::bad_alloc&) {
    outcome_ = Outcome::outOfMemory;
    message_ = "There is not enough memory for this call's scratch space";
  } catch (const std::exception& error) {
    outcome_ = Outcome::failed;
    message_ = error.what();
  }
}

Napi::Value Call::error() const {
  if (outcome_ == Outcome::outOfRange) return Napi::RangeError::New(Env(), message_).Value();
  const Napi::Object error = Napi::Error::New(Env(), message_).Value();
  if (outcome_ == Outcome::cancelled) error.Set("code", "TASCNET_CANCELLED");
  return error;
}

void Call::OnOK() {
  if (after_) after_();
  // Statuses are not looked at: they fail only while the JS thread is being torn down, when nobody waits any more.
  if (outcome_ == Outcome::done) {
    napi_resolve_deferred(Env(), deferred_, kept_.Value().Get(0U));
  } else {
    napi_reject_deferred(Env(), deferred_, error());
  }
}

}  // namespace tascnet
