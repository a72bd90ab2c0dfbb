// Cosine similarities, the most similar pairs, and ranks.
#include "../../../native/score/pairs.h"

#include <algorithm>
#include <numeric>

#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::size_t n = input.extent(80);
  const std::size_t width = input.between(1, 5);
  const std::vector<float> rows = input.numbers(n * width);
  std::vector<double> gram(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t k = 0; k < width; ++k) {
        gram[i * n + j] += static_cast<double>(rows[i * width + k]) * static_cast<double>(rows[j * width + k]);
      }
    }
  }
  const auto expected = [&](std::size_t i, std::size_t j) {
    const double squares = gram[i * n + i] * gram[j * n + j];
    return squares == 0 ? 0 : gram[i * n + j] / std::sqrt(squares);
  };
  std::vector<double> similarities(n * n, -7);
  tascnet::cosine(gram.data(), n, similarities.data(), {});
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) REQUIRE(near(similarities[i * n + j], expected(i, j), 1e-12));
  }

  const std::size_t all = n < 2 ? 0 : n * (n - 1) / 2;
  const std::size_t count = std::min(all, input.between(0, 4000));
  const std::vector<tascnet::Pair> pairs = tascnet::topPairs(gram.data(), n, count, {});
  REQUIRE(pairs.size() == count);
  std::vector<char> seen(n * n);
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    const auto [first, second, similarity] = pairs[p];
    REQUIRE(first >= 0 && first < second && static_cast<std::size_t>(second) < n);
    char& taken = seen[static_cast<std::size_t>(first) * n + static_cast<std::size_t>(second)];
    REQUIRE(taken == 0);
    taken = 1;
    REQUIRE(near(similarity, expected(static_cast<std::size_t>(first), static_cast<std::size_t>(second)), 1e-12));
    REQUIRE(p == 0 || pairs[p - 1].similarity >= similarity);
  }
  for (std::size_t i = 0; i < n && count > 0; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      REQUIRE(seen[i * n + j] != 0 || expected(i, j) <= pairs.back().similarity + 1e-12);
    }
  }

  std::vector<double> scores(input.extent(500));
  for (double& score : scores) score = input.number();
  std::vector<std::int32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return scores[static_cast<std::size_t>(a)] < scores[static_cast<std::size_t>(b)];
  });
  order.resize(std::min(order.size(), input.between(0, 600)));
  REQUIRE(tascnet::rankChannels(scores.data(), scores.size(), order.size(), {}) == order);
  return 0;
}
