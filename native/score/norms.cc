#include "norms.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "products.h"

namespace tascnet {
namespace {

constexpr std::size_t kSliceElements = 65536;
constexpr std::size_t kMostParts = 64;
constexpr std::size_t kShortRun = 16;  // below this many elements in a row, whole rows are added up side by side

void combine(Reduction reduction, double& into, double value) {
  if (reduction == Reduction::linf) {
    into = into >= value || std::isnan(into) ? into : value;
  } else {
    into += value;
  }
}

// One run of consecutive elements per channel: slices are blocks of channels, and pieces of the run where it is long.
void reduceRuns(const Channels& x, const float* other, Reduction reduction, double* scores, const CancelFlag& cancel) {
  const std::size_t pieces = std::max<std::size_t>(1, ceilDivide(x.inner, kSliceElements));
  const std::size_t perSlice = std::max<std::size_t>(1, kSliceElements / std::max<std::size_t>(1, x.inner));
  std::vector<double> partial(pieces * x.channels);
  parallelFor(ceilDivide(x.channels, perSlice) * pieces, cancel, [&](std::size_t slice) {
    const std::size_t piece = slice % pieces;
    const std::size_t begin = piece * kSliceElements;
    const std::size_t length = std::min(kSliceElements, x.inner - begin);
    const std::size_t first = slice / pieces * perSlice;
    for (std::size_t c = first; c < std::min(x.channels, first + perSlice); ++c) {
      const std::size_t at = c * x.inner + begin;
      partial[c * pieces + piece] =
          kernels().reduce(reduction, x.data + at, other == nullptr ? nullptr : other + at, length);
    }
  });
  for (std::size_t c = 0; c < x.channels; ++c) {
    scores[c] = 0;
    for (std::size_t piece = 0; piece < pieces; ++piece) combine(reduction, scores[c], partial[c * pieces + piece]);
  }
}

// Several outer indices: slices are blocks of them, each with scores of its own.
void reduceRows(const Channels& x, const float* other, Reduction reduction, double* scores, const CancelFlag& cancel) {
  const std::size_t row = x.channels * x.inner;
  const std::size_t perSlice = std::max({std::size_t{1}, kSliceElements / row, ceilDivide(x.outer, kMostParts)});
  const std::size_t parts = ceilDivide(x.outer, perSlice);
  const bool sideBySide = x.inner < kShortRun;
  const std::size_t width = sideBySide ? row : x.channels;
  std::vector<double> partial(parts * width);
  parallelFor(parts, cancel, [&](std::size_t part) {
    double* const own = partial.data() + part * width;
    for (std::size_t o = part * perSlice; o < std::min(x.outer, (part + 1) * perSlice); ++o) {
      const float* const values = x.data + o * row;
      const float* const others = other == nullptr ? nullptr : other + o * row;
      if (sideBySide) {
        kernels().accumulate(reduction, own, values, others, row);
        continue;
      }
      for (std::size_t c = 0; c < x.channels; ++c) {
        const float* const run = others == nullptr ? nullptr : others + c * x.inner;
        combine(reduction, own[c], kernels().reduce(reduction, values + c * x.inner, run, x.inner));
      }
    }
  });
  std::fill(scores, scores + x.channels, 0.0);
  const std::size_t repeat = width / x.channels;
  for (std::size_t part = 0; part < parts; ++part) {
    for (std::size_t i = 0; i < width; ++i) combine(reduction, scores[i / repeat], partial[part * width + i]);
  }
}

}  // namespace

void reduceChannels(const Channels& x, const float* other, Reduction reduction, double* scores, const CancelFlag& cancel) {
  if (x.channels == 0 || x.positions() == 0) {
    std::fill(scores, scores + x.channels, 0.0);
  } else if (x.outer == 1) {
    reduceRuns(x, other, reduction, scores, cancel);
  } else {
    reduceRows(x, other, reduction, scores, cancel);
  }
}

void geometricMedian(const Channels& x, double* scores, const CancelFlag& cancel) {
  std::vector<double> squares(x.channels * x.channels);
  addSymmetricProducts(x, Pairing::squaredDistance, squares.data(), cancel);
  parallelFor(x.channels, cancel, [&](std::size_t c) {
    scores[c] = 0;
    for (std::size_t d = 0; d < x.channels; ++d) scores[c] += std::sqrt(squares[c * x.channels + d]);
  });
}

}  // namespace tascnet
