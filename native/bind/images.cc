#include "../images/preprocess.h"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "apart.h"
#include "args.h"
#include "bindings.h"
#include "describe.h"

namespace tascnet {
namespace {

constexpr std::size_t kMostExtent = 16384;
constexpr std::size_t kChangeLength = 8;

std::array<double, 3> perChannel(const Args& args, Napi::Value value, const std::string& name, std::size_t channels) {
  const Napi::Array list = args.array(value, name);
  if (list.Length() != channels) {
    args.wrongRange("one number for each of " + std::to_string(channels) + " channels", name,
                    std::to_string(list.Length()));
  }
  std::array<double, 3> numbers = {};
  for (std::uint32_t c = 0; c < channels; ++c) {
    numbers[c] = args.number(list.Get(c), name + "[" + std::to_string(c) + "]");
  }
  return numbers;
}

ImageFormat readFormat(const Args& args, Napi::Value value) {
  const Napi::Object entries = args.object(value, "format");
  ImageFormat format = {};
  format.height = args.integer(entries.Get("height"), "format.height", 1, kMostExtent);
  format.width = args.integer(entries.Get("width"), "format.width", 1, kMostExtent);
  format.channels = static_cast<ImageChannels>(
      args.choice(entries.Get("channels"), "format.channels", {"RGB", "BGR", "L"}));
  format.channelsLast = args.choice(entries.Get("layout"), "format.layout", {"NCHW", "NHWC"}) == 1;
  format.multiply = perChannel(args, entries.Get("multiply"), "format.multiply", format.channelCount());
  format.add = perChannel(args, entries.Get("add"), "format.add", format.channelCount());
  return format;
}

std::vector<ImageChange> readChanges(const Args& args, const double* numbers, std::size_t count,
                                     const ImageFormat& format) {
  std::vector<ImageChange> changes;
  changes.reserve(count);
  for (std::size_t i = 0; i < count; ++i, numbers += kChangeLength) {
    const auto require = [&](std::size_t at, bool right, const std::string& expected) {
      if (std::isfinite(numbers[at]) && right) return;
      args.wrongRange(expected, "changes[" + std::to_string(i * kChangeLength + at) + "]", describeNumber(numbers[at]));
    };
    const auto near = [&](std::size_t start, std::size_t length, std::size_t extent) {
      const auto most = static_cast<double>(extent);
      const std::string limit = std::to_string(extent);
      require(start, std::abs(numbers[start]) <= most, "a number from -" + limit + " to " + limit);
      require(length, numbers[length] > 0 && numbers[length] <= most, "a number above 0 up to " + limit);
    };
    near(0, 2, format.height);
    near(1, 3, format.width);
    require(4, numbers[4] == 0 || numbers[4] == 1, "0 or 1");
    for (std::size_t at = 5; at < kChangeLength; ++at) require(at, true, "a finite number");
    changes.push_back({numbers[0], numbers[1], numbers[2], numbers[3], numbers[4] == 1, numbers[5], numbers[6],
                       numbers[7]});
  }
  return changes;
}

// (pixels, count, format: { height, width, channels, layout, multiply, add }, changes, out, token) → out
Napi::Value preprocess(const Napi::CallbackInfo& info) {
  Args args(info);
  const std::size_t count = args.integer(info[1], "count", 0, 0x7FFFFFFF);
  const ImageFormat format = readFormat(args, info[2]);
  const std::size_t area = format.area();
  const TypedArray pixels = args.numbers(info[0], "pixels");
  if (pixels.type != napi_uint8_array) args.wrongType("a Uint8Array", "pixels", info[0]);
  if (pixels.length != count * area * 3) {
    args.wrongRange(std::to_string(count * area * 3) + " elements (count * height * width * 3)", "pixels",
                    std::to_string(pixels.length));
  }
  // Read now: what JavaScript changes later must not lead outside of the image.
  auto changes = std::make_shared<std::vector<ImageChange>>();
  const bool changed = !args.absent(info[3]);
  if (changed) {
    const double* const numbers = args.doubles(info[3], "changes", count * kChangeLength, "8 for each image");
    *changes = readChanges(args, numbers, count, format);
  }
  const std::size_t length = count * area * format.channelCount();
  auto* const out = static_cast<float*>(
      roomFor(args, info[4], "out", napi_float32_array, length, "count * height * width * channels"));
  requireApart(args, {{pixels.data, pixels.length, false, "pixels"}, {out, length * sizeof(float), true, "out"}});
  args.cancelBy(info[5]);
  const auto* const source = static_cast<const std::uint8_t*>(pixels.data);
  return args.start(
      [=](const CancelFlag& cancel) {
        preprocessImages(source, count, format, changed ? changes->data() : nullptr, out, cancel);
      },
      info[4]);
}

}  // namespace

void exportImages(Napi::Object exports) { exportFunction(exports, "preprocessImages", preprocess); }

}  // namespace tascnet
