// A C++ object in the hands of JavaScript: collected with its JS object, kept alive by calls that work on it. A tag
// tells it from any other object, so that a wrong one is refused instead of being taken for it.
#pragma once

#include <napi.h>

#include <memory>
#include <utility>

#include "args.h"

namespace tascnet {

template <class T>
struct Shared {
  explicit Shared(T&& made) : value(std::move(made)) {}
  T value;
  bool busy = false;  // a call is working on it; read and written on the JS thread alone
};

template <class T>
using Handle = std::shared_ptr<Shared<T>>;

template <class T>
struct Wrapped {
  Handle<T> handle;
  std::int64_t bytes;
};

template <class T>
Napi::Value makeHandle(Napi::Env env, T&& made, std::size_t bytes, const napi_type_tag& tag) {
  const Napi::Object object = Napi::Object::New(env);
  auto wrapped = std::make_unique<Wrapped<T>>(
      Wrapped<T>{std::make_shared<Shared<T>>(std::forward<T>(made)), static_cast<std::int64_t>(bytes)});
  const auto finalize = [](napi_env finalEnv, void* data, void*) {
    const std::unique_ptr<Wrapped<T>> held(static_cast<Wrapped<T>*>(data));
    std::int64_t total = 0;
    napi_adjust_external_memory(finalEnv, -held->bytes, &total);
  };
  if (napi_wrap(env, object, wrapped.get(), finalize, nullptr, nullptr) != napi_ok) throw Napi::Error::New(env);
  Napi::MemoryManagement::AdjustExternalMemory(env, wrapped->bytes);
  wrapped.release();
  object.TypeTag(&tag);
  return object;
}

template <class T>
Handle<T> takeHandle(const Args& args, std::size_t index, const napi_type_tag& tag, const char* what) {
  const Napi::Value value = args[index];
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&tag)) args.wrongType(what, "this", value);
  void* data = nullptr;
  if (napi_unwrap(args.env(), value, &data) != napi_ok) args.wrongType(what, "this", value);
  const Handle<T> handle = static_cast<Wrapped<T>*>(data)->handle;
  if (handle->busy) throw Napi::Error::New(args.env(), "Another call on this object has not ended: await it first");
  return handle;
}

// Starts work on the handle's value and keeps other calls away from it until that has ended.
template <class T, class Work>
Napi::Value startOn(Args& args, const Handle<T>& handle, Napi::Value result, Work work) {
  const Napi::Value promise = args.start([handle, work](const CancelFlag& cancel) { work(handle->value, cancel); }, result,
                                         [handle] { handle->busy = false; });
  handle->busy = true;
  return promise;
}

}  // namespace tascnet
