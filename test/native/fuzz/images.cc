// Images scaled up in part, their colours changed.
#include "../../../native/images/preprocess.h"

#include <algorithm>

#include "input.h"

namespace {

using tascnet::ImageChange;
using tascnet::ImageChannels;
using tascnet::ImageFormat;

struct Picture {
  const std::uint8_t* pixels;
  const ImageFormat& format;

  double at(double y, double x, std::size_t colour) const {
    const auto limit = [](double place, std::size_t extent) {
      return static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(extent - 1)));
    };
    return pixels[3 * (limit(y, format.height) * format.width + limit(x, format.width)) + colour];
  }

  double between(double y, double x, std::size_t colour) const {
    const double row = std::floor(y);
    const double column = std::floor(x);
    const auto along = [&](double at_row) {
      return at(at_row, column, colour) * (1 - x + column) + at(at_row, column + 1, colour) * (x - column);
    };
    return along(row) * (1 - y + row) + along(row + 1) * (y - row);
  }
};

double luma(const double* colours) { return 0.299 * colours[0] + 0.587 * colours[1] + 0.114 * colours[2]; }

// An extent that begins in the source or up to a whole of it before.
void rectangle(Input& input, std::size_t extent, double& start, double& length) {
  length = static_cast<double>(extent) * static_cast<double>(1 + input.between(0, 255)) / 256;
  start = static_cast<double>(extent) * (static_cast<double>(input.between(0, 510)) / 255 - 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  ImageFormat format = {};
  format.height = input.between(1, 9);
  format.width = input.between(1, 9);
  format.channels = static_cast<ImageChannels>(input.between(0, 2));
  format.channelsLast = input.flag();
  for (std::size_t c = 0; c < 3; ++c) {
    format.multiply[c] = static_cast<double>(input.number());
    format.add[c] = static_cast<double>(input.number());
  }
  const std::size_t count = input.between(0, 3);
  std::vector<std::uint8_t> pixels(count * format.area() * 3);
  for (std::uint8_t& pixel : pixels) pixel = input.byte();
  const bool changed = input.flag();
  std::vector<ImageChange> changes(changed ? count : 0);
  for (ImageChange& change : changes) {
    rectangle(input, format.height, change.top, change.height);
    rectangle(input, format.width, change.left, change.width);
    change.flip = input.flag();
    change.own = static_cast<double>(input.number());
    change.grey = static_cast<double>(input.number());
    change.offset = static_cast<double>(input.number());
  }
  const std::size_t channels = format.channelCount();
  std::vector<float> out(count * format.area() * channels, -7);
  tascnet::preprocessImages(pixels.data(), count, format, changed ? changes.data() : nullptr, out.data(), {});

  const ImageChange whole = {0, 0, static_cast<double>(format.height), static_cast<double>(format.width), false, 1, 0, 0};
  for (std::size_t i = 0; i < count; ++i) {
    const ImageChange& change = changed ? changes[i] : whole;
    const Picture picture = {pixels.data() + i * format.area() * 3, format};
    std::vector<double> scaled;
    double mean = 0;
    for (std::size_t y = 0; y < format.height; ++y) {
      for (std::size_t x = 0; x < format.width; ++x) {
        const std::size_t column = change.flip ? format.width - 1 - x : x;
        const double row = change.top + (static_cast<double>(y) + 0.5) * change.height / static_cast<double>(format.height) - 0.5;
        const double at = change.left + (static_cast<double>(column) + 0.5) * change.width / static_cast<double>(format.width) - 0.5;
        for (std::size_t colour = 0; colour < 3; ++colour) scaled.push_back(picture.between(row, at, colour));
        mean += luma(scaled.data() + scaled.size() - 3) / static_cast<double>(format.area());
      }
    }
    for (std::size_t p = 0; p < format.area(); ++p) {
      const double* const colours = scaled.data() + 3 * p;
      for (std::size_t c = 0; c < channels; ++c) {
        const std::size_t source = format.channels == ImageChannels::bgr ? 2 - c : c;
        const double value = format.channels == ImageChannels::grey ? luma(colours) : colours[source];
        const double pixel = std::clamp(change.own * value + change.grey * luma(colours) + change.offset * mean, 0.0, 255.0);
        const std::size_t place = format.channelsLast ? p * channels + c : c * format.area() + p;
        REQUIRE(near(out[i * format.area() * channels + place], pixel * format.multiply[c] + format.add[c], 1e-4, 256));
      }
    }
  }
  return 0;
}
