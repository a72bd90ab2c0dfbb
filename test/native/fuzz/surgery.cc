// Cuts of several tensors at once, of every element size, along any axes, with merges.
#include "../../../native/surgery/surgery.h"

#include <algorithm>

#include "../../../native/half.h"
#include "input.h"

namespace {

using tascnet::ElementType;

bool narrow(ElementType type) { return type == ElementType::float16 || type == ElementType::bfloat16; }

struct Case {
  tascnet::Cut cut;
  std::unique_ptr<std::uint8_t[]> data;
  std::unique_ptr<std::uint8_t[]> out;
  std::size_t elements = 1;
  std::size_t after = 1;
};

// The removed slices that are added to index `position` of the result along `axis`, and itself first.
std::vector<std::size_t> sourcesOf(const tascnet::AxisCut& axis, std::size_t position) {
  std::vector<std::size_t> sources = {static_cast<std::size_t>(axis.keep[position])};
  for (const tascnet::Merge& merge : axis.merge) {
    if (merge.into == axis.keep[position]) sources.push_back(static_cast<std::size_t>(merge.from));
  }
  return sources;
}

Case caseFrom(Input& input) {
  Case made;
  tascnet::Cut& cut = made.cut;
  cut.type = static_cast<ElementType>(input.between(0, 7));
  cut.fresh = input.flag();
  const bool numbers = cut.type >= ElementType::float16;
  for (std::size_t rank = input.between(1, 5); rank > 0; --rank) {
    const std::size_t extent = input.extent(made.elements > 500 ? 4 : 150);
    cut.dims.push_back(made.elements * extent > 40000 ? 1 : extent);
    made.elements *= cut.dims.back();
  }
  for (std::size_t axis = 0; axis < cut.dims.size(); ++axis) {
    std::size_t left = cut.dims[axis];
    if (input.flag()) {
      tascnet::AxisCut entry{axis, input.subset(cut.dims[axis]), {}};
      left = entry.keep.size();
      std::vector<char> kept(cut.dims[axis]);
      for (const std::int32_t index : entry.keep) kept[static_cast<std::size_t>(index)] = 1;
      for (std::size_t from = 0; numbers && left > 0 && from < kept.size(); ++from) {
        if (kept[from] != 0 || !input.flag()) continue;
        entry.merge.push_back({static_cast<std::int32_t>(from), entry.keep[input.between(0, left - 1)]});
      }
      cut.axes.push_back(std::move(entry));
    }
    made.after *= left;
  }
  if (input.flag()) std::reverse(cut.axes.begin(), cut.axes.end());
  const std::size_t size = tascnet::sizeOf(cut.type);
  made.data.reset(new std::uint8_t[made.elements * size]);
  made.out.reset(new std::uint8_t[made.after * size]);
  for (std::size_t i = 0; i < made.elements; ++i) {
    // Whole numbers, whose sums are exact in any order.
    const double whole = static_cast<double>(input.between(0, 60)) - 30;
    const auto single = static_cast<float>(whole);
    std::uint8_t bytes[8];
    for (std::uint8_t& byte : bytes) byte = input.byte();
    if (cut.type == ElementType::float64) std::memcpy(bytes, &whole, 8);
    if (cut.type == ElementType::float32) std::memcpy(bytes, &single, 4);
    const std::uint16_t half = cut.type == ElementType::float16 ? tascnet::halfOfFloat(single) : tascnet::bfloatOfFloat(single);
    if (narrow(cut.type)) std::memcpy(bytes, &half, 2);
    std::memcpy(made.data.get() + i * size, bytes, size);
  }
  cut.data = made.data.get();
  cut.out = made.out.get();
  return made;
}

double numberAt(const Case& of, const std::uint8_t* from, std::size_t index) {
  if (of.cut.type == ElementType::float64) return reinterpret_cast<const double*>(from)[index];
  if (narrow(of.cut.type)) {
    const std::uint16_t bits = reinterpret_cast<const std::uint16_t*>(from)[index];
    return of.cut.type == ElementType::float16 ? fromHalf(bits) : tascnet::floatOfBfloat(bits);
  }
  return reinterpret_cast<const float*>(from)[index];
}

void check(const Case& done) {
  const tascnet::Cut& cut = done.cut;
  const std::size_t size = tascnet::sizeOf(cut.type);
  std::vector<std::size_t> extents = cut.dims;
  std::vector<const tascnet::AxisCut*> cuts(cut.dims.size());
  for (const tascnet::AxisCut& axis : cut.axes) {
    cuts[axis.axis] = &axis;
    extents[axis.axis] = axis.keep.size();
  }
  REQUIRE(tascnet::elementsAfter(cut) == done.after);
  for (std::size_t index = 0; index < done.after; ++index) {
    std::vector<std::size_t> sources = {0};
    std::size_t rest = index;
    std::size_t stride = 1;
    for (std::size_t axis = extents.size(); axis-- > 0;) {
      const std::size_t position = rest % extents[axis];
      rest /= extents[axis];
      std::vector<std::size_t> along = {position};
      if (cuts[axis] != nullptr) along = sourcesOf(*cuts[axis], position);
      std::vector<std::size_t> next;
      for (const std::size_t source : sources) {
        for (const std::size_t at : along) next.push_back(source + at * stride);
      }
      sources.swap(next);
      stride *= cut.dims[axis];
    }
    if (sources.size() == 1) {
      REQUIRE(std::memcmp(done.out.get() + index * size, done.data.get() + sources[0] * size, size) == 0);
      continue;
    }
    double sum = 0;
    double most = 0;  // of all partial sums
    for (const std::size_t source : sources) {
      sum += numberAt(done, done.data.get(), source);
      most += std::fabs(numberAt(done, done.data.get(), source));
    }
    // Half precision rounds each sum.
    const double tolerance = narrow(cut.type) ? most * static_cast<double>(sources.size()) / 256 : 0;
    REQUIRE(std::fabs(numberAt(done, done.out.get(), index) - sum) <= tolerance);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  std::vector<Case> cases;
  std::vector<tascnet::Cut> cuts;
  for (std::size_t count = input.between(0, 3); count > 0; --count) {
    cases.push_back(caseFrom(input));
    cuts.push_back(cases.back().cut);
  }
  tascnet::applySurgery(cuts, {});
  for (const Case& each : cases) check(each);
  return 0;
}
