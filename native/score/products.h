// Sums over all positions between every two channels: X·Yᵀ, or squared distances. Positions are summed in float over
// short blocks, which runs at the speed of a float matrix product, and the blocks in double, so that the error does not
// grow with the length.
//
// Every entry is summed in the same order, so that equal channels give bitwise equal entries (a filter's product with
// its twin equals its product with itself), whatever the number of threads.
#pragma once

#include "../buffer.h"
#include "../parallel.h"
#include "layout.h"

namespace tascnet {

enum class Pairing { dot, squaredDistance };

// sums[i · y.channels + j] += Σ_k pairing(x_i(k), y_j(k)).
void addProducts(const Channels& x, const Channels& y, Pairing pairing, double* sums, const CancelFlag& cancel);

// The same for x with itself at half the work, into new memory: channels × channels sums, of which those above the
// diagonal are not to be read.
Buffer<double> lowerProducts(const Channels& x, Pairing pairing, const CancelFlag& cancel);

// Of count × count matrices: sums += more on and below the diagonal, and the copy of what is below it to above.
void addLower(double* sums, const double* more, std::size_t count);
void mirror(double* matrix, std::size_t count, const CancelFlag& cancel);

}  // namespace tascnet
