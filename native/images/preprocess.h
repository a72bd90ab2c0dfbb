// Decoded images as a network takes them: a part of each scaled up, its colours changed, its pixels scaled and ordered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "../parallel.h"

namespace tascnet {

enum class ImageChannels { rgb, bgr, grey };

struct ImageFormat {
  std::size_t height;
  std::size_t width;
  ImageChannels channels;
  bool channelsLast;
  // Written channel c is pixel · multiply[c] + add[c].
  std::array<double, 3> multiply;
  std::array<double, 3> add;

  std::size_t area() const { return height * width; }
  std::size_t channelCount() const { return channels == ImageChannels::grey ? 1 : 3; }
};

// A rectangle in pixels, not necessarily whole nor inside of the image, that is scaled up to all of it, bilinearly, pixel
// centres at halves and edges repeated; then x ↦ own · x + grey · luma(x) + offset · (mean luma of the result), clamped to
// 0 … 255.
struct ImageChange {
  double top;
  double left;
  double height;
  double width;
  bool flip;
  double own;
  double grey;
  double offset;
};

// `pixels` are RGB, height · width · 3 bytes an image; without `changes` (null) images are written as they are.
void preprocessImages(const std::uint8_t* pixels, std::size_t count, const ImageFormat& format,
                      const ImageChange* changes, float* out, const CancelFlag& cancel);

}  // namespace tascnet
