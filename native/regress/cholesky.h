// Cholesky factorisation and the solution with it, in double, blocked so that nearly all of the work is matrix products.
#pragma once

#include <cstddef>

#include "../parallel.h"

namespace tascnet {

// The lower triangle of the symmetric n × n matrix becomes L with L·Lᵀ = matrix; the upper one is left as it is. False
// when the matrix is not positive definite to working precision.
bool factorise(double* matrix, std::size_t n, const CancelFlag& cancel);

// right (n × columns, row-major) becomes the solution of L·Lᵀ·X = right.
void solveFactorised(const double* factor, std::size_t n, double* right, std::size_t columns, const CancelFlag& cancel);

}  // namespace tascnet
