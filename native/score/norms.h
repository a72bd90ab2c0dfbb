// Scores of channels by the elements of a tensor that belong to each.
#pragma once

#include "../parallel.h"
#include "../simd/kernels.h"
#include "layout.h"

namespace tascnet {

// scores[c] = Σ (or the maximum, for linf) over the positions of channel c, in double. `other`, of the same shape and
// kind, is read by Reduction::product alone.
void reduceChannels(const Channels& x, const Elements* other, Reduction reduction, double* scores,
                    const CancelFlag& cancel);

// LAMP (Lee et al. 2021, equation 4) with channels in place of weights: scores[c] = ‖x_c‖² / Σ ‖x_d‖² over the channels d
// whose norm is at least as large; of equal ones those of larger index. NaN makes all of them NaN.
void lamp(const Channels& x, double* scores, const CancelFlag& cancel);

// FPGM (He et al. 2019, equation 4): scores[c] = Σ_d ‖x_c − x_d‖₂, least for the channel that the others replace best.
void geometricMedian(const Channels& x, double* scores, const CancelFlag& cancel);

}  // namespace tascnet
