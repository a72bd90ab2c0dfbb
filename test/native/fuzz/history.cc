// A history over epochs, cut in its middle, saved and restored, against the stored weights.
#include "../../../native/score/history.h"

#include <stdexcept>

#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  std::size_t channels = input.extent(90);
  tascnet::History history(channels);
  std::vector<std::vector<double>> stored(channels);
  for (std::size_t epoch = input.between(0, 3); epoch > 0; --epoch) {
    Weights weights{input.extent(6), channels, input.extent(120), {}, {}};
    weights.kind = static_cast<tascnet::ElementKind>(input.between(0, 2));
    const bool finite = input.between(0, 9) > 0;
    fill(weights, input, finite);
    try {
      history.record(weights.view(), {});
    } catch (const std::range_error&) {
      REQUIRE(!finite);
      continue;  // and nothing was added
    }
    bool huge = false;
    for (const float value : weights.values) huge = huge || !(std::fabs(value) < 1e6F);
    if (huge) return 0;  // Sums in float have no digits in common with those in double.
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t k = 0; k < weights.positions(); ++k) stored[c].push_back(weights.at(c, k));
    }
    if (input.flag()) {
      const std::vector<std::int32_t> keep = input.subset(channels);
      history.keep(keep, {});
      std::vector<std::vector<double>> left;
      for (const std::int32_t index : keep) left.push_back(stored[static_cast<std::size_t>(index)]);
      stored.swap(left);
      channels = keep.size();
    }
  }
  std::vector<double> state(tascnet::History::stateLength(channels));
  history.save(state.data(), {});
  tascnet::History copy(channels);
  copy.restore(state.data(), {});
  REQUIRE(copy.l1() == history.l1() && copy.gram({}) == history.gram({}));
  for (std::size_t i = 0; i < channels; ++i) {
    double l1 = 0;
    for (const double value : stored[i]) l1 += std::fabs(value);
    REQUIRE(near(history.l1()[i], l1, 1e-9));
    for (std::size_t j = 0; j < channels; ++j) {
      double product = 0;
      double scale = 1;
      for (std::size_t k = 0; k < stored[i].size(); ++k) {
        product += stored[i][k] * stored[j][k];
        scale += std::fabs(stored[i][k] * stored[j][k]);
      }
      REQUIRE(near(history.gram({})[i * channels + j], product, 1e-4, scale));
    }
  }
  // Anything at all, restored: an error, or a history.
  for (double& value : state) {
    if (input.between(0, 19) == 0) value = input.number(false);
  }
  try {
    copy.restore(state.data(), {});
    for (std::size_t c = 0; c < channels; ++c) REQUIRE(copy.gram({})[c * channels + c] >= 0);
  } catch (const std::range_error&) {
    return 0;
  }
  return 0;
}
