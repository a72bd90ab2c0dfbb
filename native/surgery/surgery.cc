#include "surgery.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "../cuda/device.h"
#include "../half.h"
#include "gather.h"

namespace tascnet {
namespace {

constexpr std::size_t kSliceBytes = 256 * 1024;
// Of a large result every thread fills whole huge pages: two threads that touch one for the first time both clear it.
constexpr std::size_t kLargeSliceBytes = 2 * 1024 * 1024;
constexpr std::size_t kLargeBytes = 8 * 1024 * 1024;

void gather(const std::vector<Cut>& cuts, const CancelFlag& cancel) {
  struct Slice {
    const Gather* gather;
    std::size_t begin;
    std::size_t end;
  };
  std::deque<Gather> gathers;
  std::vector<Slice> slices;
  for (const Cut& cut : cuts) {
    const Gather& made = gathers.emplace_back(cut);
    if (made.pieces() == 0) continue;
    const std::size_t bytes = made.bytes() >= kLargeBytes ? kLargeSliceBytes : kSliceBytes;
    const double each = static_cast<double>(made.bytes()) / static_cast<double>(made.pieces());
    // Slices end where addresses are multiples of their size, as huge pages do, or with the piece that goes beyond.
    const std::size_t before = reinterpret_cast<std::uintptr_t>(cut.out) % bytes;
    for (std::size_t begin = 0; begin < made.pieces();) {
      const auto whole = (before + static_cast<std::size_t>(static_cast<double>(begin) * each)) / bytes;
      const auto last = static_cast<double>((whole + 1) * bytes - before) / each;
      const std::size_t end = std::clamp(static_cast<std::size_t>(std::ceil(last)), begin + 1, made.pieces());
      slices.push_back({&made, begin, end});
      begin = end;
    }
  }
  parallelFor(slices.size(), cancel, [&](std::size_t i) { slices[i].gather->copy(slices[i].begin, slices[i].end); });
}

struct Plain {
  template <class T>
  static T sum(T a, T b) {
    return static_cast<T>(a + b);
  }
};

struct Halves {
  static std::uint16_t sum(std::uint16_t a, std::uint16_t b) { return halfOfFloat(floatOfHalf(a) + floatOfHalf(b)); }
};

struct Bfloats {
  static std::uint16_t sum(std::uint16_t a, std::uint16_t b) {
    return bfloatOfFloat(floatOfBfloat(a) + floatOfBfloat(b));
  }
};

// Adds positions [begin, end) of every merged slice of one outer index.
template <class T, class Addition = Plain>
void addSlices(const Cut& cut, const std::vector<std::int32_t>& place, std::size_t inner, std::size_t outer,
               std::size_t begin, std::size_t end) {
  const AxisCut& axis = cut.axes.front();
  const T* const source = static_cast<const T*>(cut.data) + outer * place.size() * inner;
  T* const target = static_cast<T*>(cut.out) + outer * axis.keep.size() * inner;
  for (const Merge& merge : axis.merge) {
    const T* const from = source + static_cast<std::size_t>(merge.from) * inner;
    T* const into = target + static_cast<std::size_t>(place[static_cast<std::size_t>(merge.into)]) * inner;
    for (std::size_t i = begin; i < end; ++i) into[i] = Addition::sum(into[i], from[i]);
  }
}

using AddSlices = void (*)(const Cut&, const std::vector<std::int32_t>&, std::size_t, std::size_t, std::size_t, std::size_t);

AddSlices additionOf(ElementType type) {
  switch (type) {
    case ElementType::float64:
      return addSlices<double>;
    case ElementType::float16:
      return addSlices<std::uint16_t, Halves>;
    case ElementType::bfloat16:
      return addSlices<std::uint16_t, Bfloats>;
    default:
      return addSlices<float>;
  }
}

void addMerged(const Cut& cut, const CancelFlag& cancel) {
  const AxisCut& axis = cut.axes.front();
  std::size_t outer = 1;
  std::size_t inner = 1;
  for (std::size_t a = 0; a < axis.axis; ++a) outer *= cut.dims[a];
  for (std::size_t a = axis.axis + 1; a < cut.dims.size(); ++a) inner *= cut.dims[a];
  if (axis.merge.empty() || outer * inner == 0) return;
  std::vector<std::int32_t> place(cut.dims[axis.axis], -1);
  for (std::size_t i = 0; i < axis.keep.size(); ++i) {
    place[static_cast<std::size_t>(axis.keep[i])] = static_cast<std::int32_t>(i);
  }
  const auto add = additionOf(cut.type);
  // Slices are a piece of one outer index, or several whole ones; an element's additions keep their order either way.
  const std::size_t most = std::max<std::size_t>(1, kSliceBytes / sizeOf(cut.type) / axis.merge.size());
  const std::size_t pieces = ceilDivide(inner, most);
  const std::size_t together = std::max<std::size_t>(1, most / inner);
  parallelFor(ceilDivide(outer, together) * pieces, cancel, [&](std::size_t slice) {
    const std::size_t begin = slice % pieces * most;
    const std::size_t first = slice / pieces * together;
    for (std::size_t o = first; o < std::min(outer, first + together); ++o) {
      add(cut, place, inner, o, begin, std::min(inner, begin + most));
    }
  });
}

// With merges the axes are cut one after the other, through scratch tensors.
void cutWithMerges(const Cut& whole, const CancelFlag& cancel) {
  Cut step = whole;
  std::unique_ptr<char[]> held;
  for (std::size_t i = 0; i < whole.axes.size(); ++i) {
    step.axes = {whole.axes[i]};
    std::unique_ptr<char[]> result;
    if (i + 1 < whole.axes.size()) {
      result.reset(new char[std::max<std::size_t>(1, elementsAfter(step) * sizeOf(step.type))]);
      step.out = result.get();
    } else {
      step.out = whole.out;
    }
    step.fresh = whole.fresh || result != nullptr;
    gather({step}, cancel);
    addMerged(step, cancel);
    step.dims[whole.axes[i].axis] = whole.axes[i].keep.size();
    held = std::move(result);
    step.data = step.out;
  }
}

bool merges(const Cut& cut) {
  return std::any_of(cut.axes.begin(), cut.axes.end(), [](const AxisCut& axis) { return !axis.merge.empty(); });
}

}  // namespace

std::size_t sizeOf(ElementType type) {
  switch (type) {
    case ElementType::bytes1:
      return 1;
    case ElementType::bytes2:
    case ElementType::float16:
    case ElementType::bfloat16:
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
  std::vector<Cut> plain;
  std::vector<Cut> merging;
  for (const Cut& cut : cuts) {
    cancel.check();
    if (!cutOnDevice(cut)) (merges(cut) ? merging : plain).push_back(cut);
  }
  gather(plain, cancel);
  for (const Cut& cut : merging) cutWithMerges(cut, cancel);
}

}  // namespace tascnet
