// Tensors that lie anyhow in a larger array, row after row.
#include "../../../native/score/strided.h"

#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  std::vector<std::size_t> dims;
  std::size_t elements = 1;
  for (std::size_t rank = input.between(1, 5); rank > 0; --rank) {
    const std::size_t extent = input.extent(200);
    dims.push_back(elements * extent > 20000 ? 1 : extent);
    elements *= dims.back();
  }
  // Rows in order, with gaps, overlapping or the same again.
  std::vector<std::size_t> strides(dims.size());
  std::size_t step = 1;
  for (std::size_t axis = dims.size(); axis-- > 0;) {
    strides[axis] = input.flag() ? step : input.between(0, 300);
    step *= dims[axis];
  }
  std::size_t length = 1;
  for (std::size_t axis = 0; axis < dims.size(); ++axis) length += (dims[axis] == 0 ? 0 : dims[axis] - 1) * strides[axis];
  Weights weights{1, 1, length, {}, {}};
  weights.kind = static_cast<tascnet::ElementKind>(input.between(0, 2));
  fill(weights, input, true);
  const bool rows = input.flag() && elements <= length;
  const tascnet::RowMajor made({weights.elements(), dims, rows ? std::vector<std::size_t>() : strides}, {});
  std::vector<float> scratch(elements);
  const float* const found = elements == 0 ? nullptr : made.data().read(0, elements, scratch.data());
  for (std::size_t index = 0; index < elements; ++index) {
    std::size_t rest = index;
    std::size_t at = 0;
    for (std::size_t axis = dims.size(); axis-- > 0;) {
      at += rest % dims[axis] * strides[axis];
      rest /= dims[axis];
    }
    REQUIRE(near(found[index], weights.values[rows ? index : at], 0));
  }
  return 0;
}
