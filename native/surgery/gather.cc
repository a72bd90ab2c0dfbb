#include "gather.h"

#include <algorithm>

namespace tascnet {
namespace {

struct Axis {
  std::size_t extent;
  const std::vector<std::int32_t>* keep;  // null: all of it
};

bool keepsAll(const std::vector<std::int32_t>& keep, std::size_t extent) {
  if (keep.size() != extent) return false;
  for (std::size_t i = 0; i < extent; ++i) {
    if (keep[i] != static_cast<std::int32_t>(i)) return false;
  }
  return true;
}

std::vector<Axis> axesOf(const Cut& cut) {
  std::vector<Axis> axes;
  for (std::size_t a = 0; a < cut.dims.size(); ++a) {
    const auto found =
        std::find_if(cut.axes.begin(), cut.axes.end(), [&](const AxisCut& axis) { return axis.axis == a; });
    const bool whole = found == cut.axes.end() || keepsAll(found->keep, cut.dims[a]);
    if (whole && !axes.empty() && axes.back().keep == nullptr) {
      axes.back().extent *= cut.dims[a];
    } else {
      axes.push_back({cut.dims[a], whole ? nullptr : &found->keep});
    }
  }
  return axes;
}

}  // namespace

Gather::Gather(const Cut& cut) : source_(static_cast<const char*>(cut.data)), target_(static_cast<char*>(cut.out)) {
  std::vector<Axis> axes = axesOf(cut);
  const std::size_t element = sizeOf(cut.type);
  std::size_t stride = element;
  if (!axes.empty() && axes.back().keep == nullptr) {
    stride *= axes.back().extent;
    axes.pop_back();
  }
  if (axes.empty()) {
    row_ = std::make_unique<Rows>(stride);
  } else {
    row_ = std::make_unique<Rows>(*axes.back().keep, axes.back().extent, stride, element);
    stride *= axes.back().extent;
    axes.pop_back();
  }
  for (; !axes.empty(); axes.pop_back()) {
    const Axis& axis = axes.back();
    loops_.push_back({axis.keep == nullptr ? axis.extent : axis.keep->size(), stride, axis.keep});
    rows_ *= loops_.back().extent;
    stride *= axis.extent;
  }
  if (row_->bytes() == 0) rows_ = 0;
}

void Gather::copy(std::size_t begin, std::size_t end) const {
  if (begin == end) return;
  const std::size_t segments = row_->segments();
  std::size_t row = begin / segments;
  std::vector<std::size_t> at(loops_.size());
  std::size_t rest = row;
  for (std::size_t l = 0; l < loops_.size(); ++l) {
    at[l] = rest % loops_[l].extent;
    rest /= loops_[l].extent;
  }
  const std::size_t last = (end - 1) / segments;
  // Where another thread's pieces begin.
  const std::size_t behind = end % segments == 0 ? row_->bytes() : row_->offset(end % segments);
  const char* const limit = target_ + last * row_->bytes() + behind;
  for (; row <= last; ++row) {
    std::size_t offset = 0;
    for (std::size_t l = 0; l < loops_.size(); ++l) offset += loops_[l].offset(at[l]);
    row_->copy(row == begin / segments ? begin % segments : 0, row == last ? end - last * segments : segments,
               source_ + offset, target_ + row * row_->bytes(), limit);
    for (std::size_t l = 0; l < loops_.size() && ++at[l] == loops_[l].extent; ++l) at[l] = 0;
  }
}

}  // namespace tascnet
