#include "preprocess.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "../buffer.h"

namespace tascnet {
namespace {

// ITU-R 601 luma.
constexpr double kRed = 0.299;
constexpr double kGreen = 0.587;
constexpr double kBlue = 0.114;

double lumaOf(double red, double green, double blue) { return kRed * red + kGreen * green + kBlue * blue; }

double clampPixel(double value) { return std::min(std::max(value, 0.0), 255.0); }

void writePlain(const std::uint8_t* pixels, const ImageFormat& format, float* out) {
  const std::size_t area = format.area();
  if (format.channels == ImageChannels::grey) {
    for (std::size_t i = 0; i < area; ++i, pixels += 3) {
      out[i] = static_cast<float>(lumaOf(pixels[0], pixels[1], pixels[2]) * format.multiply[0] + format.add[0]);
    }
    return;
  }
  const std::size_t pixelStep = format.channelsLast ? 3 : 1;
  const std::size_t channelStep = format.channelsLast ? 1 : area;
  for (std::size_t channel = 0; channel < 3; ++channel) {
    float table[256];
    for (int x = 0; x < 256; ++x) table[x] = static_cast<float>(x * format.multiply[channel] + format.add[channel]);
    const std::uint8_t* source = pixels + (format.channels == ImageChannels::bgr ? 2 - channel : channel);
    float* target = out + channel * channelStep;
    for (std::size_t i = 0; i < area; ++i) target[i * pixelStep] = table[source[3 * i]];
  }
}

// Where a row or column of the result lies between two of the source.
struct Place {
  std::size_t before;
  std::size_t after;
  double share;
};

Place placeOf(double position, std::size_t extent) {
  const double whole = std::floor(position);
  const double last = static_cast<double>(extent - 1);
  return {static_cast<std::size_t>(std::clamp(whole, 0.0, last)),
          static_cast<std::size_t>(std::clamp(whole + 1, 0.0, last)), position - whole};
}

// Fills `image` with the scaled part, RGB, and returns its mean luma.
double resample(const std::uint8_t* pixels, const ImageFormat& format, const ImageChange& change, float* image) {
  const std::size_t width = format.width;
  const double stepX = change.width / static_cast<double>(width);
  const double stepY = change.height / static_cast<double>(format.height);
  std::vector<std::size_t> left(width);
  std::vector<std::size_t> right(width);
  std::vector<float> shares(width);
  std::size_t first = width;
  std::size_t end = 0;
  for (std::size_t x = 0; x < width; ++x) {
    const double at = static_cast<double>(change.flip ? width - 1 - x : x) + 0.5;
    const Place place = placeOf(change.left + at * stepX - 0.5, width);
    left[x] = 3 * place.before;
    right[x] = 3 * place.after;
    shares[x] = static_cast<float>(place.share);
    first = std::min(first, left[x]);
    end = std::max(end, right[x] + 3);
  }
  std::vector<float> line(3 * width);
  double red = 0;
  double green = 0;
  double blue = 0;
  float* out = image;
  for (std::size_t y = 0; y < format.height; ++y) {
    const Place place = placeOf(change.top + (static_cast<double>(y) + 0.5) * stepY - 0.5, format.height);
    const std::uint8_t* const upper = pixels + 3 * width * place.before;
    const std::uint8_t* const lower = pixels + 3 * width * place.after;
    for (std::size_t i = first; i < end; ++i) {
      const double above = upper[i];
      line[i] = static_cast<float>(above + place.share * (lower[i] - above));
    }
    for (std::size_t x = 0; x < width; ++x, out += 3) {
      const double share = shares[x];
      const float* const from = line.data() + left[x];
      const float* const to = line.data() + right[x];
      const double r = from[0] + share * (static_cast<double>(to[0]) - from[0]);
      const double g = from[1] + share * (static_cast<double>(to[1]) - from[1]);
      const double b = from[2] + share * (static_cast<double>(to[2]) - from[2]);
      out[0] = static_cast<float>(r);
      out[1] = static_cast<float>(g);
      out[2] = static_cast<float>(b);
      red += r;
      green += g;
      blue += b;
    }
  }
  return lumaOf(red, green, blue) / static_cast<double>(format.area());
}

void writeChanged(const std::uint8_t* pixels, const ImageFormat& format, const ImageChange& change, float* out) {
  const std::size_t area = format.area();
  Buffer<float> image(area * 3);
  const double offset = change.offset * resample(pixels, format, change, image.data());
  const auto [factor0, factor1, factor2] = format.multiply;
  const auto [shift0, shift1, shift2] = format.add;
  const float* pixel = image.data();
  if (format.channels == ImageChannels::grey) {
    const double own = change.own + change.grey;
    for (std::size_t i = 0; i < area; ++i, pixel += 3) {
      const double value = clampPixel(own * lumaOf(pixel[0], pixel[1], pixel[2]) + offset);
      out[i] = static_cast<float>(value * factor0 + shift0);
    }
    return;
  }
  const std::size_t pixelStep = format.channelsLast ? 3 : 1;
  const std::size_t channelStep = format.channelsLast ? 1 : area;
  const std::size_t firstAt = format.channels == ImageChannels::bgr ? 2 : 0;
  for (std::size_t i = 0; i < area; ++i, pixel += 3, out += pixelStep) {
    const double common = change.grey * lumaOf(pixel[0], pixel[1], pixel[2]) + offset;
    const auto changed = [&](std::size_t source) { return clampPixel(change.own * pixel[source] + common); };
    out[0] = static_cast<float>(changed(firstAt) * factor0 + shift0);
    out[channelStep] = static_cast<float>(changed(1) * factor1 + shift1);
    out[2 * channelStep] = static_cast<float>(changed(2 - firstAt) * factor2 + shift2);
  }
}

}  // namespace

void preprocessImages(const std::uint8_t* pixels, std::size_t count, const ImageFormat& format,
                      const ImageChange* changes, float* out, const CancelFlag& cancel) {
  const std::size_t area = format.area();
  parallelFor(count, cancel, [&](std::size_t i) {
    const std::uint8_t* const source = pixels + i * area * 3;
    float* const target = out + i * area * format.channelCount();
    if (changes == nullptr) {
      writePlain(source, format, target);
    } else {
      writeChanged(source, format, changes[i], target);
    }
  });
}

}  // namespace tascnet
