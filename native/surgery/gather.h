// Copies the kept elements of one tensor, all its cut axes at once.
#pragma once

#include "surgery.h"

namespace tascnet {

// A cut as nested loops: for every combination of the outer lists' entries, a row of blocks is copied. Neighbouring axes
// that are not cut are one axis here, and runs of consecutive indices of the innermost list are one block.
class Gather {
 public:
  struct Block {
    std::size_t from;  // bytes into a source row
    std::size_t bytes;
  };

  explicit Gather(const Cut& cut);

  std::size_t rows() const { return rows_; }
  std::size_t rowBytes() const { return rowBytes_; }
  // Writes rows [begin, end) of the result.
  void copyRows(std::size_t begin, std::size_t end) const;

 private:
  const char* source_;
  char* target_;
  std::vector<std::vector<std::size_t>> outer_;  // per outer axis: source offsets in bytes of its entries
  std::vector<Block> blocks_;
  std::size_t blockBytes_ = 0;  // where all blocks are equally long, else 0
  std::size_t rows_ = 1;
  std::size_t rowBytes_ = 0;
};

}  // namespace tascnet
