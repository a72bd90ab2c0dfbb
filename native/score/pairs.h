// Cosine similarities of channels from their products G = X·Xᵀ: cos(i, j) = G_ij / √(G_ii · G_jj). A channel that is zero
// everywhere has no direction; its similarities are 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../parallel.h"

namespace tascnet {

struct Pair {
  std::int32_t first;
  std::int32_t second;
  double similarity;
};

void cosine(const double* gram, std::size_t channels, double* similarities, const CancelFlag& cancel);

// The `count` most similar pairs first < second, most similar first, equal ones in ascending order of their channels.
std::vector<Pair> topPairs(const double* gram, std::size_t channels, std::size_t count, const CancelFlag& cancel);

// The `count` channels of least score, ascending; equal ones in the order of their indices.
std::vector<std::int32_t> rankChannels(const double* scores, std::size_t channels, std::size_t count,
                                       const CancelFlag& cancel);

}  // namespace tascnet
