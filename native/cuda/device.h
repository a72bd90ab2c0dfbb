// The device, where there is one that gives right answers.
#pragma once

#include <string>

#include "../score/layout.h"
#include "../simd/kernels.h"
#include "../surgery/surgery.h"

namespace tascnet {

// What the device does: what is worth the way there, or all it can (for tests of it).
enum class DeviceUse { worthwhile, always };

// Multiply-adds from which comparing channels is worth the way.
constexpr double kWorthwhile = 2e9;

// Opens the CUDA library and tries it on small cases, which may take a second. Throws std::runtime_error saying what is
// wrong: no such library, no device, wrong answers. Once one is open, others are not looked at.
void openDevice(const std::string& library, DeviceUse use);

// Null where none is open.
const char* deviceName();

// These are false, with the results untouched, where no device is open, where the work is not its, or where it could not do
// it; in the use `always` the latter throws std::runtime_error naming the kernel.
//
// As lowerProducts.
bool pairsOnDevice(const Channels& x, bool distance, double* sums);
// As reduceChannels. Only in the use `always`: the elements are looked at once, so the way to the device takes longer than
// the work does here.
bool reduceOnDevice(const Channels& x, const Elements* other, Reduction reduction, double* scores);
// As applySurgery, for one cut; only in the use `always`, as above.
bool cutOnDevice(const Cut& cut);

}  // namespace tascnet
