// Sums over all positions between every two channels: X·Yᵀ, or squared distances. Positions are summed in float over
// short blocks, which runs at the speed of a float matrix product, and the blocks in double, so that the error does not
// grow with the length.
//
// Every entry is summed in the same order, so that equal channels give bitwise equal entries (a filter's product with
// its twin equals its product with itself), whatever the number of threads.
#pragma once

#include "../parallel.h"
#include "layout.h"

namespace tascnet {

enum class Pairing { dot, squaredDistance };

// sums[i · y.channels + j] += Σ_k pairing(x_i(k), y_j(k)).
void addProducts(const Channels& x, const Channels& y, Pairing pairing, double* sums, const CancelFlag& cancel);

// The same for x with itself, at half the work: both triangles are written.
void addSymmetricProducts(const Channels& x, Pairing pairing, double* sums, const CancelFlag& cancel);

}  // namespace tascnet
