#include "trial.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace tascnet {
namespace {

// More than one tile, part and block of positions.
constexpr std::size_t kOuter = 3;
constexpr std::size_t kChannels = 70;
constexpr std::size_t kInner = 301;

// Small whole numbers, whose sums are exact.
std::vector<float> numbers() {
  std::vector<float> x(kOuter * kChannels * kInner);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * i % 7) - 3.0F;
  return x;
}

double at(const std::vector<float>& x, std::size_t outer, std::size_t channel, std::size_t inner) {
  return x[(outer * kChannels + channel) * kInner + inner];
}

void require(bool right, const char* kernel) {
  if (!right) throw std::runtime_error(std::string("CUDA kernel ") + kernel + ": a wrong answer");
}

void done(bool succeeded, const TascnetCuda& cuda) {
  if (!succeeded) throw std::runtime_error(cuda.problem());
}

void tryPairs(const TascnetCuda& cuda, const std::vector<float>& x) {
  std::vector<double> sums(kChannels * kChannels);
  for (const int kind : {0, 1}) {
    done(cuda.pairs(x.data(), kOuter, kChannels, kInner, kind, sums.data()), cuda);
    for (std::size_t i = 0; i < kChannels; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        double expected = 0;
        for (std::size_t o = 0; o < kOuter; ++o) {
          for (std::size_t k = 0; k < kInner; ++k) {
            const double a = at(x, o, i, k);
            const double b = at(x, o, j, k);
            expected += kind == 0 ? a * b : (a - b) * (a - b);
          }
        }
        require(sums[i * kChannels + j] == expected, "pairs");
      }
    }
  }
}

void tryReduce(const TascnetCuda& cuda, const std::vector<float>& x) {
  std::vector<double> scores(kChannels * kInner);
  for (const int reduction : {0, 1, 2, 3}) {
    // Long runs of channels, and channels side by side.
    for (const bool sideBySide : {false, true}) {
      const std::size_t channels = sideBySide ? kInner : kChannels;
      done(cuda.reduce(x.data(), x.data(), sideBySide ? kOuter * kChannels : kOuter, channels,
                       sideBySide ? 1 : kInner, reduction, scores.data()),
           cuda);
      for (std::size_t c = 0; c < channels; ++c) {
        double expected = 0;
        for (std::size_t o = 0; o < kOuter; ++o) {
          for (std::size_t k = 0; k < (sideBySide ? kChannels : kInner); ++k) {
            const double value = sideBySide ? at(x, o, k, c) : at(x, o, c, k);
            const double part = reduction == 0 || reduction == 2 ? std::fabs(value) : value * value;
            expected = reduction == 2 ? std::max(expected, part) : expected + part;
          }
        }
        require(scores[c] == expected, "reduce");
      }
    }
  }
}

void tryCut(const TascnetCuda& cuda, const std::vector<float>& x) {
  const std::vector<std::int32_t> keep = {5, 0, 69};
  const std::vector<std::int32_t> from = {7, 8};
  const std::vector<std::int32_t> onto = {2, 2};
  const TascnetCudaAxis axis = {kOuter, kChannels, kInner, keep.data(), keep.size(), from.data(), onto.data(), 2};
  std::vector<float> out(kOuter * keep.size() * kInner);
  done(cuda.cut(x.data(), x.size(), sizeof(float), &axis, 1, out.data()), cuda);
  for (std::size_t o = 0; o < kOuter; ++o) {
    for (std::size_t i = 0; i < keep.size(); ++i) {
      for (std::size_t k = 0; k < kInner; ++k) {
        double expected = at(x, o, static_cast<std::size_t>(keep[i]), k);
        if (i == 2) expected += at(x, o, 7, k) + at(x, o, 8, k);
        require(static_cast<double>(out[(o * keep.size() + i) * kInner + k]) == expected, "cut");
      }
    }
  }
}

}  // namespace

void requireRightAnswers(const TascnetCuda& cuda) {
  const std::vector<float> x = numbers();
  tryPairs(cuda, x);
  tryReduce(cuda, x);
  tryCut(cuda, x);
}

}  // namespace tascnet
