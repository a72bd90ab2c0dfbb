#include "regress.h"

#include <cmath>
#include <stdexcept>
#include <string>

#include "../score/products.h"
#include "cholesky.h"

namespace tascnet {
namespace {

void requireFinite(double value, const char* name, std::size_t column) {
  if (std::isfinite(value)) return;
  throw std::range_error(std::string("Expected finite values for ") + name +
                         " but received NaN, Infinity or values whose squares are beyond float32 in column " +
                         std::to_string(column));
}

}  // namespace

void LeastSquares::add(const Elements& x, const Elements& y, std::size_t count, const CancelFlag& cancel) {
  const Channels inputs = {x, count, inputs_, 1};
  const Channels outputs = {y, count, outputs_, 1};
  std::vector<double> products(inputs_ * outputs_);
  const Buffer<double> squares = lowerProducts(inputs, Pairing::dot, cancel);
  addProducts(inputs, outputs, Pairing::dot, products.data(), cancel);
  for (std::size_t i = 0; i < inputs_; ++i) {
    requireFinite(squares[i * inputs_ + i], "x", i);
    for (std::size_t j = 0; j < outputs_; ++j) requireFinite(products[i * outputs_ + j], "y", j);
  }
  squares_.resize(inputs_ * inputs_);
  products_.resize(inputs_ * outputs_);
  cancel.check();
  addLower(squares_.data(), squares.data(), inputs_);
  for (std::size_t i = 0; i < products.size(); ++i) products_[i] += products[i];
}

void LeastSquares::solve(double ridge, const float* prior, float* weights, const CancelFlag& cancel) const {
  std::vector<double> matrix = squares_;
  std::vector<double> right = products_;
  matrix.resize(inputs_ * inputs_);
  right.resize(inputs_ * outputs_);
  for (std::size_t i = 0; i < inputs_; ++i) matrix[i * inputs_ + i] += ridge;
  for (std::size_t i = 0; prior != nullptr && i < right.size(); ++i) right[i] += ridge * static_cast<double>(prior[i]);
  if (!factorise(matrix.data(), inputs_, cancel)) {
    throw std::range_error("The inputs are linearly dependent: XᵀX + ridge · I is not positive definite. Pass a larger "
                           "ridge (received " + std::to_string(ridge) + ")");
  }
  solveFactorised(matrix.data(), inputs_, right.data(), outputs_, cancel);
  for (std::size_t i = 0; i < right.size(); ++i) weights[i] = static_cast<float>(right[i]);
}

}  // namespace tascnet
