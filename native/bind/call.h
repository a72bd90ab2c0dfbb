// One call at work: a promise, the JS values that it needs alive, and the function that runs off the event loop. The
// function must not touch JavaScript.
#pragma once

#include <napi.h>

#include <functional>
#include <string>
#include <vector>

#include "../parallel.h"

namespace tascnet {

class Call : public Napi::AsyncWorker {
 public:
  static Napi::Value start(Napi::Env env, const std::vector<Napi::Value>& held, Napi::Value result, CancelFlag cancel,
                           std::function<void(const CancelFlag&)> work, std::function<void()> after);

 protected:
  void Execute() override;
  void OnOK() override;

 private:
  enum class Outcome { done, cancelled, outOfRange, outOfMemory, failed };

  Call(Napi::Env env, CancelFlag cancel, std::function<void(const CancelFlag&)> work, std::function<void()> after);
  Napi::Value error() const;

  napi_deferred deferred_ = nullptr;
  CancelFlag cancel_;
  std::function<void(const CancelFlag&)> work_;
  std::function<void()> after_;
  Napi::ObjectReference kept_;  // an array: the result, then the values held
  Outcome outcome_ = Outcome::done;
  std::string message_;
};

}  // namespace tascnet
