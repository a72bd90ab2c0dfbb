// Streamed least squares: min over W of ‖X·W − Y‖² + ridge · ‖W − prior‖², from XᵀX and XᵀY alone, so that the samples
// can come and go in pieces.
#pragma once

#include <cstddef>
#include <vector>

#include "../parallel.h"
#include "../score/layout.h"

namespace tascnet {

class LeastSquares {
 public:
  LeastSquares(std::size_t inputs, std::size_t outputs)
      : inputs_(inputs), outputs_(outputs) {}

  std::size_t inputs() const { return inputs_; }
  std::size_t outputs() const { return outputs_; }

  // x is count × inputs, y count × outputs, row-major. Adds all of it or, when it throws, nothing. Throws
  // std::range_error naming a column that is not finite.
  void add(const Elements& x, const Elements& y, std::size_t count, const CancelFlag& cancel);

  // weights is inputs × outputs, as is prior, which may be null for zeros. Throws std::range_error when XᵀX + ridge · I
  // is not positive definite.
  void solve(double ridge, const float* prior, float* weights, const CancelFlag& cancel) const;

 private:
  std::size_t inputs_;
  std::size_t outputs_;
  std::vector<double> squares_;  // these two are empty before the first samples; nothing above the diagonal of this one
  std::vector<double> products_;
};

}  // namespace tascnet
