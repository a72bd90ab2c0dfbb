#include "apart.h"

#include <algorithm>
#include <functional>

#include "describe.h"

namespace tascnet {

void* roomFor(Args& args, Napi::Value value, const std::string& name, napi_typedarray_type type, std::size_t length,
              const std::string& why) {
  const TypedArray out = args.numbers(value, name);
  const std::string expected = nameOf(type);
  if (out.type != type) args.wrongType((expected.front() == 'I' ? "an " : "a ") + expected, name, value);
  if (out.length != length) {
    args.wrongRange(std::to_string(length) + " elements (" + why + ")", name, std::to_string(out.length));
  }
  return out.data;
}

void requireApart(const Args& args, std::vector<Span> spans) {
  const auto begin = [](const Span& span) { return static_cast<const char*>(span.begin); };
  const auto end = [&](const Span& span) { return begin(span) + span.bytes; };
  std::erase_if(spans, [](const Span& span) { return span.bytes == 0; });
  std::sort(spans.begin(), spans.end(), [&](const Span& a, const Span& b) { return std::less<>()(begin(a), begin(b)); });
  const Span* furthest = nullptr;         // of those before, the one that ends last
  const Span* furthestWritten = nullptr;  // the same of those written
  const auto clash = [&](const Span* before, const Span& span) {
    if (before == nullptr || !std::less<>()(begin(span), end(*before))) return;
    const bool first = before->written;
    args.wrongRange("memory of its own", first ? before->name : span.name, "some of " + (first ? span : *before).name);
  };
  const auto ahead = [&](const Span* most, const Span& span) {
    return most == nullptr || std::less<>()(end(*most), end(span));
  };
  for (const Span& span : spans) {
    clash(span.written ? furthest : furthestWritten, span);
    if (ahead(furthest, span)) furthest = &span;
    if (span.written && ahead(furthestWritten, span)) furthestWritten = &span;
  }
}

}  // namespace tascnet
