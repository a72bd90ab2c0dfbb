// Batch norms folded into the layer before them, and taken out again.
#include "../../../native/fold.h"

#include <stdexcept>

#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Weights weight = weightsFrom(input, 60, true);
  weight.kind = tascnet::ElementKind::float32;
  fill(weight, input, true);
  const std::size_t n = weight.channels;
  const bool hasBias = input.flag();
  const std::vector<float> bias = input.numbers(hasBias ? n : 0);
  const std::vector<float> scale = input.numbers(n);
  const std::vector<float> shift = input.numbers(n);
  const std::vector<float> mean = input.numbers(n);
  const std::vector<float> variance = input.numbers(n);
  const double epsilon = input.flag() ? 1e-3 : 0;
  const tascnet::BatchNorm norm = {scale.data(), shift.data(), mean.data(), variance.data(), epsilon};
  std::vector<float> folded(weight.values.size(), -7);
  std::vector<float> foldedBias(n, -7);
  bool positive = true;
  bool reversible = true;
  for (std::size_t c = 0; c < n; ++c) {
    positive = positive && static_cast<double>(variance[c]) + epsilon > 0;
    reversible = reversible && scale[c] != 0;
  }
  try {
    tascnet::foldBatchNorm(weight.view(), hasBias ? bias.data() : nullptr, norm, folded.data(), foldedBias.data(), {});
  } catch (const std::range_error&) {
    REQUIRE(!positive);
    return 0;
  }
  REQUIRE(positive);
  for (std::size_t c = 0; c < n; ++c) {
    const double factor = static_cast<double>(scale[c]) / std::sqrt(static_cast<double>(variance[c]) + epsilon);
    const double offset = (hasBias ? static_cast<double>(bias[c]) : 0) - static_cast<double>(mean[c]);
    REQUIRE(near(foldedBias[c], factor * offset + static_cast<double>(shift[c]), 1e-6, 1 + std::fabs(factor)));
    for (std::size_t k = 0; k < weight.positions(); ++k) {
      const std::size_t at = (k / weight.inner * n + c) * weight.inner + k % weight.inner;
      REQUIRE(near(folded[at], factor * weight.at(c, k), 1e-6));
    }
  }
  std::vector<float> back(folded.size(), -7);
  std::vector<float> backBias(n, -7);
  const tascnet::Channels view = {folded.data(), weight.outer, n, weight.inner};
  try {
    tascnet::unfoldBatchNorm(view, foldedBias.data(), norm, back.data(), backBias.data(), {});
  } catch (const std::range_error&) {
    REQUIRE(!reversible);
    return 0;
  }
  for (std::size_t i = 0; i < back.size(); ++i) REQUIRE(near(back[i], static_cast<double>(weight.values[i]), 1e-5));
  return 0;
}
