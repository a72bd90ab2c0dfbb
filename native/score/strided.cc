#include "strided.h"

#include <algorithm>
#include <cstring>

namespace tascnet {
namespace {

constexpr std::size_t kSliceElements = 65536;

struct Axis {
  std::size_t extent;
  std::size_t stride;
};

// The fewest axes that say the same: those of one index are none, neighbours that continue each other are one.
std::vector<Axis> axesOf(const Strided& tensor) {
  std::vector<Axis> axes;
  for (std::size_t a = 0; a < tensor.strides.size(); ++a) {
    const Axis axis = {tensor.dims[a], tensor.strides[a]};
    if (axis.extent == 1) continue;
    if (!axes.empty() && axes.back().stride == axis.extent * axis.stride) {
      axes.back() = {axes.back().extent * axis.extent, axis.stride};
    } else {
      axes.push_back(axis);
    }
  }
  return axes;
}

std::size_t elementsOf(const std::vector<std::size_t>& dims) {
  std::size_t elements = 1;
  for (const std::size_t dim : dims) elements *= dim;
  return elements;
}

bool liesInRows(const std::vector<Axis>& axes) {
  return axes.empty() || (axes.size() == 1 && axes.front().stride == 1);
}

template <class T>
void copyRow(const char* source, const Axis& row, char* target) {
  const auto* const from = reinterpret_cast<const T*>(source);
  auto* const to = reinterpret_cast<T*>(target);
  if (row.stride == 1) {
    std::copy(from, from + row.extent, to);
    return;
  }
  for (std::size_t i = 0; i < row.extent; ++i) to[i] = from[i * row.stride];
}

void copyRows(const char* source, std::vector<Axis> axes, std::size_t size, char* target, const CancelFlag& cancel) {
  const Axis row = axes.back();
  axes.pop_back();
  std::size_t rows = 1;
  for (const Axis& axis : axes) rows *= axis.extent;
  const std::size_t together = std::max<std::size_t>(1, kSliceElements / row.extent);
  parallelFor(ceilDivide(rows, together), cancel, [&](std::size_t slice) {
    for (std::size_t r = slice * together; r < std::min(rows, (slice + 1) * together); ++r) {
      std::size_t offset = 0;
      std::size_t rest = r;
      for (std::size_t a = axes.size(); a-- > 0;) {
        offset += rest % axes[a].extent * axes[a].stride;
        rest /= axes[a].extent;
      }
      const char* const from = source + offset * size;
      char* const to = target + r * row.extent * size;
      size == sizeof(float) ? copyRow<float>(from, row, to) : copyRow<std::uint16_t>(from, row, to);
    }
  });
}

bool needsCopy(const Strided& tensor) { return elementsOf(tensor.dims) > 0 && !liesInRows(axesOf(tensor)); }

}  // namespace

RowMajor::RowMajor(const Strided& tensor, const CancelFlag& cancel)
    : dims_(tensor.dims),
      copy_(needsCopy(tensor) ? elementsOf(tensor.dims) * tensor.data.size() : 0),
      data_(copy_.size() == 0 ? tensor.data : tensor.data.at(copy_.data())) {
  if (copy_.size() > 0) {
    copyRows(static_cast<const char*>(tensor.data.bytes()), axesOf(tensor), tensor.data.size(), copy_.data(), cancel);
  }
}

}  // namespace tascnet
