// FPGM and LAMP scores.
#include "../../../native/score/norms.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const Weights x = weightsFrom(input, 70, true);
  std::vector<double> squares(x.channels);
  for (std::size_t c = 0; c < x.channels; ++c) {
    for (std::size_t k = 0; k < x.positions(); ++k) squares[c] += x.at(c, k) * x.at(c, k);
  }
  std::vector<double> median(x.channels, -7);
  std::vector<double> lamp(x.channels, -7);
  tascnet::geometricMedian(x.view(), median.data(), {});
  tascnet::lamp(x.view(), lamp.data(), {});
  for (std::size_t c = 0; c < x.channels; ++c) {
    double distances = 0;
    double larger = 0;
    for (std::size_t d = 0; d < x.channels; ++d) {
      double square = 0;
      for (std::size_t k = 0; k < x.positions(); ++k) square += (x.at(c, k) - x.at(d, k)) * (x.at(c, k) - x.at(d, k));
      distances += std::sqrt(square);
      if (squares[d] > squares[c] || (squares[d] == squares[c] && d >= c)) larger += squares[d];
    }
    REQUIRE(near(median[c], distances, 1e-4));
    REQUIRE(near(lamp[c], larger == 0 ? 0 : squares[c] / larger, 1e-6));
  }
  return 0;
}
