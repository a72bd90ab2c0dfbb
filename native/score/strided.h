// Tensors whose elements do not lie row after row.
#pragma once

#include <vector>

#include "../buffer.h"
#include "../parallel.h"
#include "layout.h"

namespace tascnet {

// Element (i, j, …) lies strides[0] · i + strides[1] · j + … elements behind the first. Without strides: row-major.
struct Strided {
  Elements data;
  std::vector<std::size_t> dims;
  std::vector<std::size_t> strides;
};

// The tensor row after row: itself where it lies so, else a copy, made by all threads.
class RowMajor {
 public:
  RowMajor(const Strided& tensor, const CancelFlag& cancel);

  const Elements& data() const { return data_; }
  Channels along(std::size_t axis) const { return channelsAlong(data_, dims_, axis); }

 private:
  std::vector<std::size_t> dims_;
  Buffer<char> copy_;
  Elements data_;
};

}  // namespace tascnet
