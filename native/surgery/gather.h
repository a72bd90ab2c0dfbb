// Copies the kept elements of one tensor, all its cut axes at once.
#pragma once

#include <memory>

#include "rows.h"
#include "surgery.h"

namespace tascnet {

// A cut as nested loops around rows. Neighbouring axes that are not cut are one axis here. The cut must outlive this.
class Gather {
 public:
  explicit Gather(const Cut& cut);
  Gather(const Gather&) = delete;
  Gather& operator=(const Gather&) = delete;

  // Pieces of work, in the order of the result.
  std::size_t pieces() const { return rows_ * row_->segments(); }
  std::size_t bytes() const { return rows_ * row_->bytes(); }
  // Writes pieces [begin, end) of the result.
  void copy(std::size_t begin, std::size_t end) const;

 private:
  struct Loop {
    std::size_t extent;                     // entries of the result
    std::size_t stride;                     // bytes between neighbours in the source
    const std::vector<std::int32_t>* keep;  // null: all

    std::size_t offset(std::size_t i) const {
      return stride * (keep == nullptr ? i : static_cast<std::size_t>((*keep)[i]));
    }
  };

  template <class Sink>
  void write(std::size_t begin, std::size_t end, Sink& sink) const;
  char* placeOf(std::size_t piece) const;

  const char* source_;
  char* target_;
  std::vector<Loop> loops_;  // innermost first
  std::vector<std::int32_t> folded_;  // what several short rows keep
  std::unique_ptr<Rows> row_;
  std::size_t rows_ = 1;
  bool streamed_ = false;  // past the caches
};

}  // namespace tascnet
