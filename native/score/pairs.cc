#include "pairs.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tascnet {
namespace {

constexpr std::size_t kRankedTogether = 65536;
constexpr std::size_t kRowsPerSlice = 32;

std::vector<double> lengths(const double* gram, std::size_t channels) {
  std::vector<double> result(channels);
  for (std::size_t i = 0; i < channels; ++i) result[i] = std::sqrt(gram[i * channels + i]);
  return result;
}

double similarity(double product, double first, double second, double firstSquare, double secondSquare) {
  if (first == 0 || second == 0) return 0;
  // √a·√a is not always a; the square root of the product is, so that twins give exactly 1.
  const double squares = firstSquare * secondSquare;
  const bool exact = squares > 1e-290 && squares < 1e290;
  const double value = exact ? product / std::sqrt(squares) : product / first / second;
  // Above 1 is rounding alone: as far below 1 it is as likely, and no such pair goes before twins.
  return std::clamp(value > 1 ? 2 - value : value, -1.0, 1.0);
}

bool before(const Pair& a, const Pair& b) {
  if (a.similarity != b.similarity) return a.similarity > b.similarity;
  return a.first != b.first ? a.first < b.first : a.second < b.second;
}

}  // namespace

void cosine(const double* gram, std::size_t channels, double* similarities, const CancelFlag& cancel) {
  const std::vector<double> norms = lengths(gram, channels);
  parallelFor(ceilDivide(channels, kRowsPerSlice), cancel, [&](std::size_t slice) {
    for (std::size_t i = slice * kRowsPerSlice; i < std::min(channels, (slice + 1) * kRowsPerSlice); ++i) {
      for (std::size_t j = 0; j < channels; ++j) {
        similarities[i * channels + j] = similarity(gram[i * channels + j], norms[i], norms[j],
                                                    gram[i * channels + i], gram[j * channels + j]);
      }
    }
  });
}

std::vector<Pair> topPairs(const double* gram, std::size_t channels, std::size_t count, const CancelFlag& cancel) {
  if (channels < 2 || count == 0) return {};
  const std::vector<double> norms = lengths(gram, channels);
  std::vector<std::vector<Pair>> found(ceilDivide(channels, kRowsPerSlice));
  parallelFor(found.size(), cancel, [&](std::size_t slice) {
    // A heap with the least of the best pairs on top.
    std::vector<Pair>& best = found[slice];
    for (std::size_t i = slice * kRowsPerSlice; i < std::min(channels, (slice + 1) * kRowsPerSlice); ++i) {
      for (std::size_t j = i + 1; j < channels; ++j) {
        const Pair pair = {static_cast<std::int32_t>(i), static_cast<std::int32_t>(j),
                           similarity(gram[i * channels + j], norms[i], norms[j], gram[i * channels + i],
                                      gram[j * channels + j])};
        if (best.size() == count) {
          if (!before(pair, best.front())) continue;
          std::pop_heap(best.begin(), best.end(), before);
          best.back() = pair;
        } else {
          best.push_back(pair);
        }
        std::push_heap(best.begin(), best.end(), before);
      }
    }
  });
  std::vector<Pair> all;
  for (const std::vector<Pair>& best : found) all.insert(all.end(), best.begin(), best.end());
  const std::size_t kept = std::min(count, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept), all.end(), before);
  all.resize(kept);
  return all;
}

std::vector<std::int32_t> rankChannels(const double* scores, std::size_t channels, std::size_t count,
                                       const CancelFlag& cancel) {
  std::vector<std::int32_t> order(channels);
  std::iota(order.begin(), order.end(), 0);
  const auto lower = [&](std::int32_t a, std::int32_t b) {
    return scores[a] != scores[b] ? scores[a] < scores[b] : a < b;
  };
  const auto at = [&](std::size_t index) {
    return order.begin() + static_cast<std::ptrdiff_t>(std::min(index, channels));
  };
  // Of each block its `count` lowest, in order at its front; then of every two neighbours, twice as long each time.
  std::size_t block = kRankedTogether;
  parallelFor(ceilDivide(channels, block), cancel, [&](std::size_t slice) {
    const auto begin = at(slice * block);
    const auto end = at((slice + 1) * block);
    const auto front = begin + std::min(end - begin, static_cast<std::ptrdiff_t>(count));
    if (front != end) std::nth_element(begin, front, end, lower);
    std::sort(begin, front, lower);
  });
  for (; block < channels; block *= 2) {
    parallelFor(ceilDivide(channels, 2 * block), cancel, [&](std::size_t pair) {
      const auto most = static_cast<std::ptrdiff_t>(std::min(count, block));
      const auto left = at(2 * pair * block);
      const auto right = at((2 * pair + 1) * block);
      const auto end = at((2 * pair + 2) * block);
      const auto leftEnd = left + std::min(right - left, most);
      const auto rightEnd = right + std::min(end - right, most);
      const auto joined = std::rotate(leftEnd, right, rightEnd);
      std::inplace_merge(left, leftEnd, joined, lower);
    });
  }
  order.resize(count);
  return order;
}

}  // namespace tascnet
