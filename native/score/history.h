// What is kept of a layer's weights over many epochs: per channel the summed L1 norm, and G ← G + W·Wᵀ. From G follow the
// cosine similarities of the concatenated histories, so memory does not grow with the number of epochs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../parallel.h"
#include "layout.h"

namespace tascnet {

class History {
 public:
  explicit History(std::size_t channels) : l1_(channels) {}

  std::size_t channels() const { return l1_.size(); }
  const std::vector<double>& l1() const { return l1_; }
  const std::vector<double>& gram(const CancelFlag& cancel);

  // Adds one epoch, all of it or, when it throws, nothing. Throws std::range_error naming a channel that is not finite.
  void record(const Channels& weights, const CancelFlag& cancel);

  // Goes on with these channels, in this order; with all of them when it throws.
  void keep(const std::vector<std::int32_t>& indices, const CancelFlag& cancel);

  // l1, then the rows of G up to the diagonal: channels + channels · (channels + 1) / 2 numbers.
  static std::size_t stateLength(std::size_t channels) { return channels + channels * (channels + 1) / 2; }
  void save(double* state, const CancelFlag& cancel);
  // Throws std::range_error when a number is not finite or a square is negative; the history is of no use then.
  void restore(const double* state, const CancelFlag& cancel);

 private:
  // gram_, of which what is above the diagonal may be out of date.
  std::vector<double>& lower();

  std::vector<double> l1_;
  std::vector<double> gram_;  // empty before the first epoch: filling it takes a while, and making a history must not
  bool mirrored_ = true;
};

}  // namespace tascnet
