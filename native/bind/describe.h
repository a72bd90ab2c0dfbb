// Values and types in the words of error messages.
#pragma once

#include <napi.h>

#include <string>

namespace tascnet {

const char* nameOf(napi_typedarray_type type);
std::string describe(Napi::Value value);
std::string describeNumber(double value);

}  // namespace tascnet
