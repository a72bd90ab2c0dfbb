// The device, where there is one that gives right answers.
#pragma once

#include "../score/layout.h"

namespace tascnet {

// Looks for the CUDA library and a device on the first call, which may take a while, and tries it on a small case. Null
// where there is none, where it failed the trial, and with TASCNET_CUDA=0.
const char* deviceName();

// As addSymmetricProducts, on the device: false, with `sums` untouched, where there is none, where it could not, or where
// the work is too small to be worth the copy.
bool pairsOnDevice(const Channels& x, bool distance, double* sums);

}  // namespace tascnet
