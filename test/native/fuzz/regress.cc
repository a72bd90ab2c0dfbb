// Streamed least squares: the solution's gradient is zero.
#include "../../../native/regress/regress.h"

#include <stdexcept>

#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::size_t n = input.between(1, 40);
  const std::size_t m = input.between(1, 20);
  tascnet::LeastSquares equations(n, m);
  std::vector<float> x;
  std::vector<float> y;
  for (std::size_t parts = input.between(0, 3); parts > 0; --parts) {
    const std::size_t count = input.extent(90);
    const bool finite = input.between(0, 9) > 0;
    const std::vector<float> xs = input.numbers(count * n, finite);
    const std::vector<float> ys = input.numbers(count * m, finite);
    bool large = false;
    for (const auto* part : {&xs, &ys}) {
      for (const float value : *part) large = large || !(std::fabs(value) < 1e3F);
    }
    try {
      equations.add(xs.data(), ys.data(), count, {});
    } catch (const std::range_error&) {
      REQUIRE(!finite);
      continue;  // and nothing was added
    }
    if (large) return 0;
    x.insert(x.end(), xs.begin(), xs.end());
    y.insert(y.end(), ys.begin(), ys.end());
  }
  const double ridge = 0.5 + static_cast<double>(input.byte());
  const bool hasPrior = input.flag();
  const std::vector<float> prior = input.numbers(hasPrior ? n * m : 0);
  std::vector<float> solution(n * m, -7);
  equations.solve(ridge, hasPrior ? prior.data() : nullptr, solution.data(), {});
  // Xᵀ(XW − Y) + ridge · (W − prior) = 0
  const std::size_t count = x.size() / n;
  std::vector<double> gradient(n * m);
  std::vector<double> scale(n * m, 1);
  for (std::size_t s = 0; s < count; ++s) {
    for (std::size_t j = 0; j < m; ++j) {
      double residual = -static_cast<double>(y[s * m + j]);
      double size1 = std::fabs(residual);
      for (std::size_t i = 0; i < n; ++i) {
        const double part = static_cast<double>(x[s * n + i]) * static_cast<double>(solution[i * m + j]);
        residual += part;
        size1 += std::fabs(part);
      }
      for (std::size_t i = 0; i < n; ++i) {
        gradient[i * m + j] += static_cast<double>(x[s * n + i]) * residual;
        scale[i * m + j] += std::fabs(static_cast<double>(x[s * n + i])) * size1;
      }
    }
  }
  for (std::size_t e = 0; e < n * m; ++e) {
    const double pull = ridge * (static_cast<double>(solution[e]) - (hasPrior ? static_cast<double>(prior[e]) : 0));
    REQUIRE(std::fabs(gradient[e] + pull) <= 1e-4 * (scale[e] + std::fabs(ridge)));
  }
  return 0;
}
