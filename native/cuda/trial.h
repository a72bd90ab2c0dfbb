// Small cases that a device must get right before it is used.
#pragma once

#include "interface.h"

namespace tascnet {

// Throws std::runtime_error naming the kernel that failed or gave a wrong answer.
void requireRightAnswers(const TascnetCuda& cuda);

}  // namespace tascnet
