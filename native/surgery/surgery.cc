#include "surgery.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "gather.h"

namespace tascnet {
namespace {

constexpr std::size_t kSliceBytes = 256 * 1024;

template <class T>
void addSlices(const T* source, T* target, std::size_t outer, std::size_t extent, std::size_t inner,
               const AxisCut& axis) {
  std::vector<std::int32_t> place(extent, -1);
  for (std::size_t i = 0; i < axis.keep.size(); ++i) {
    place[static_cast<std::size_t>(axis.keep[i])] = static_cast<std::int32_t>(i);
  }
  for (std::size_t o = 0; o < outer; ++o) {
    for (const Merge& merge : axis.merge) {
      const T* const from = source + (o * extent + static_cast<std::size_t>(merge.from)) * inner;
      T* const into = target + (o * axis.keep.size() +
                                static_cast<std::size_t>(place[static_cast<std::size_t>(merge.into)])) * inner;
      for (std::size_t i = 0; i < inner; ++i) into[i] = static_cast<T>(into[i] + from[i]);
    }
  }
}

void addMerged(const Cut& cut) {
  const AxisCut& axis = cut.axes.front();
  std::size_t outer = 1;
  std::size_t inner = 1;
  for (std::size_t a = 0; a < axis.axis; ++a) outer *= cut.dims[a];
  for (std::size_t a = axis.axis + 1; a < cut.dims.size(); ++a) inner *= cut.dims[a];
  const auto add = [&]<class T>(T) {
    addSlices(static_cast<const T*>(cut.data), static_cast<T*>(cut.out), outer, cut.dims[axis.axis], inner, axis);
  };
  cut.type == ElementType::float64 ? add(double{}) : add(float{});
}

// With merges the axes are cut one after the other, through scratch tensors.
void cutWithMerges(const Cut& whole) {
  Cut step = whole;
  std::unique_ptr<char[]> held;
  for (std::size_t i = 0; i < whole.axes.size(); ++i) {
    const AxisCut& axis = whole.axes[i];
    step.axes = {axis};
    std::unique_ptr<char[]> result;
    if (i + 1 < whole.axes.size()) {
      result.reset(new char[std::max<std::size_t>(1, elementsAfter(step) * sizeOf(step.type))]);
      step.out = result.get();
    } else {
      step.out = whole.out;
    }
    const Gather gather(step);
    gather.copyRows(0, gather.rows());
    if (!axis.merge.empty() && gather.rows() > 0) addMerged(step);
    step.dims[axis.axis] = axis.keep.size();
    held = std::move(result);
    step.data = step.out;
  }
}

}  // namespace

std::size_t sizeOf(ElementType type) {
  switch (type) {
    case ElementType::bytes1:
      return 1;
    case ElementType::bytes2:
      return 2;
    case ElementType::bytes4:
    case ElementType::float32:
      return 4;
    case ElementType::bytes8:
    case ElementType::float64:
      return 8;
  }
  return 0;
}

std::size_t elementsAfter(const Cut& cut) {
  std::vector<std::size_t> dims = cut.dims;
  for (const AxisCut& axis : cut.axes) dims[axis.axis] = axis.keep.size();
  std::size_t elements = 1;
  for (const std::size_t dim : dims) elements *= dim;
  return elements;
}

void applySurgery(const std::vector<Cut>& cuts, const CancelFlag& cancel) {
  struct Slice {
    std::size_t cut;
    std::size_t begin;
    std::size_t end;
  };
  std::vector<std::unique_ptr<Gather>> gathers(cuts.size());
  std::vector<Slice> slices;
  for (std::size_t c = 0; c < cuts.size(); ++c) {
    if (std::any_of(cuts[c].axes.begin(), cuts[c].axes.end(), [](const AxisCut& axis) { return !axis.merge.empty(); })) {
      slices.push_back({c, 0, 0});
      continue;
    }
    gathers[c] = std::make_unique<Gather>(cuts[c]);
    const std::size_t rows = gathers[c]->rows();
    if (rows == 0) continue;
    const std::size_t perSlice = std::max<std::size_t>(1, kSliceBytes / gathers[c]->rowBytes());
    for (std::size_t begin = 0; begin < rows; begin += perSlice) {
      slices.push_back({c, begin, std::min(rows, begin + perSlice)});
    }
  }
  parallelFor(slices.size(), cancel, [&](std::size_t i) {
    const Slice& slice = slices[i];
    if (gathers[slice.cut] == nullptr) {
      cutWithMerges(cuts[slice.cut]);
    } else {
      gathers[slice.cut]->copyRows(slice.begin, slice.end);
    }
  });
}

}  // namespace tascnet
