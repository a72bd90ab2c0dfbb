// Scores of channels by the elements of a tensor that belong to each.
#pragma once

#include "../parallel.h"
#include "../simd/kernels.h"
#include "layout.h"

namespace tascnet {

// scores[c] = Σ (or the maximum, for linf) over the positions of channel c, in double. `other`, of the same shape, is
// read by Reduction::product alone.
void reduceChannels(const Channels& x, const float* other, Reduction reduction, double* scores, const CancelFlag& cancel);

// FPGM (He et al. 2019, equation 4): scores[c] = Σ_d ‖x_c − x_d‖₂, least for the channel that the others replace best.
void geometricMedian(const Channels& x, double* scores, const CancelFlag& cancel);

}  // namespace tascnet
