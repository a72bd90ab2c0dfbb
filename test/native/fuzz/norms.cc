// Norms and Taylor scores along any axis, of float32 and bfloat16.
#include "../../../native/score/norms.h"

#include <algorithm>

#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const auto reduction = static_cast<tascnet::Reduction>(input.between(0, 3));
  const Weights x = weightsFrom(input, 300, false);
  Weights y{x.outer, x.channels, x.inner, {}, {}, x.kind};
  fill(y, input, false);
  std::vector<double> scores(x.channels, -7);
  const tascnet::Elements other = y.elements();
  tascnet::reduceChannels(x.view(), &other, reduction, scores.data(), {});
  for (std::size_t c = 0; c < x.channels; ++c) {
    double expected = 0;
    double scale = 1;
    for (std::size_t k = 0; k < x.positions(); ++k) {
      const double a = x.at(c, k);
      const double b = y.at(c, k);
      switch (reduction) {
        case tascnet::Reduction::l1:
          expected += std::fabs(a);
          break;
        case tascnet::Reduction::sumSquares:
          expected += a * a;
          break;
        case tascnet::Reduction::linf:
          expected = std::isnan(a) || std::isnan(expected) ? NAN : std::max(expected, std::fabs(a));
          break;
        default:
          expected += a * b;
          if (std::isfinite(a * b)) scale += std::fabs(a * b);
      }
    }
    REQUIRE(near(scores[c], expected, 1e-12, scale));
  }
  return 0;
}
