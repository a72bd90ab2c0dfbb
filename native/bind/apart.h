// Room for results that the caller gives, which must be memory of its own.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "args.h"

namespace tascnet {

// Where a result of `length` elements goes that the caller has room for. `why` says what the length is.
void* roomFor(Args& args, Napi::Value value, const std::string& name, napi_typedarray_type type, std::size_t length,
              const std::string& why);

// A range of bytes that is read or written.
struct Span {
  const void* begin;
  std::size_t bytes;
  bool written;
  std::string name;
};

// Throws a RangeError where a span that is written shares memory with another one.
void requireApart(const Args& args, std::vector<Span> spans);

}  // namespace tascnet
