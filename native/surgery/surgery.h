// Takes channels out of tensors: along each axis of a cut the listed indices stay, in their order, and a removed slice may
// be added to one that stays. Many tensors in one call; the elements may be any numbers of 1, 2, 4 or 8 bytes, those of a
// tensor with merges float16, bfloat16, float32 or float64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../parallel.h"

namespace tascnet {

enum class ElementType { bytes1, bytes2, bytes4, bytes8, float16, bfloat16, float32, float64 };

std::size_t sizeOf(ElementType type);

struct Merge {
  std::int32_t from;
  std::int32_t into;  // an index of the tensor before the cut, among those kept
};

struct AxisCut {
  std::size_t axis;
  std::vector<std::int32_t> keep;
  std::vector<Merge> merge;
};

struct Cut {
  const void* data;
  ElementType type;
  std::vector<std::size_t> dims;
  std::vector<AxisCut> axes;  // of different axes
  void* out;                  // room for elementsAfter(cut)
  bool fresh = false;         // `out` is memory that nobody has written to
};

std::size_t elementsAfter(const Cut& cut);

// Expects what the boundary has checked: indices in range, none twice, a merge goes from a removed index into a kept one.
void applySurgery(const std::vector<Cut>& cuts, const CancelFlag& cancel);

}  // namespace tascnet
