// What each file of bindings adds to the addon's exports.
#pragma once

#include <napi.h>

namespace tascnet {

void exportScores(Napi::Object exports);
void exportHistory(Napi::Object exports);
void exportSurgery(Napi::Object exports);
void exportDevice(Napi::Object exports);
void exportCost(Napi::Object exports);
void exportRegression(Napi::Object exports);
void exportImages(Napi::Object exports);
void exportTensorflow(Napi::Object exports);

template <class Function>
void exportFunction(Napi::Object exports, const char* name, Function function) {
  exports.Set(name, Napi::Function::New(exports.Env(), function, name));
}

}  // namespace tascnet
