#include "history.h"

#include <cmath>
#include <stdexcept>
#include <string>

#include "norms.h"
#include "products.h"

namespace tascnet {

const std::vector<double>& History::gram(const CancelFlag& cancel) {
  lower();
  if (!mirrored_) mirror(gram_.data(), channels(), cancel);
  mirrored_ = true;
  return gram_;
}

std::vector<double>& History::lower() {
  gram_.resize(channels() * channels());
  return gram_;
}

void History::record(const Channels& weights, const CancelFlag& cancel) {
  const std::size_t count = channels();
  std::vector<double> norms(count);
  reduceChannels(weights, nullptr, Reduction::l1, norms.data(), cancel);
  const Buffer<double> products = lowerProducts(weights, Pairing::dot, cancel);
  for (std::size_t c = 0; c < count; ++c) {
    if (std::isfinite(norms[c]) && std::isfinite(products[c * count + c])) continue;
    throw std::range_error("Expected finite values for weights but received NaN, Infinity or a value whose square is "
                           "beyond float32 in channel " + std::to_string(c));
  }
  double* const sums = lower().data();
  cancel.check();
  for (std::size_t c = 0; c < count; ++c) l1_[c] += norms[c];
  addLower(sums, products.data(), count);
  mirrored_ = false;
}

void History::keep(const std::vector<std::int32_t>& indices, const CancelFlag& cancel) {
  const std::size_t count = indices.size();
  this->gram(cancel);  // whole: the indices may be in any order
  std::vector<double> l1(count);
  std::vector<double> gram(count * count);
  for (std::size_t i = 0; i < count; ++i) {
    cancel.check();
    const auto from = static_cast<std::size_t>(indices[i]);
    l1[i] = l1_[from];
    for (std::size_t j = 0; j < count; ++j) {
      gram[i * count + j] = gram_[from * channels() + static_cast<std::size_t>(indices[j])];
    }
  }
  l1_.swap(l1);
  gram_.swap(gram);
}

void History::save(double* state, const CancelFlag& cancel) {
  lower();
  for (const double norm : l1_) *state++ = norm;
  for (std::size_t i = 0; i < channels(); ++i) {
    cancel.check();
    for (std::size_t j = 0; j <= i; ++j) *state++ = gram_[i * channels() + j];
  }
}

void History::restore(const double* state, const CancelFlag& cancel) {
  const std::size_t count = channels();
  for (std::size_t i = 0; i < stateLength(count); ++i) {
    if (!std::isfinite(state[i])) {
      throw std::range_error("Expected finite numbers for state but received " + std::to_string(state[i]) +
                             " at index " + std::to_string(i));
    }
  }
  lower();
  mirrored_ = false;
  for (double& norm : l1_) norm = *state++;
  for (std::size_t i = 0; i < count; ++i) {
    cancel.check();
    for (std::size_t j = 0; j <= i; ++j) gram_[i * count + j] = *state++;
    if (gram_[i * count + i] < 0) {
      throw std::range_error("Expected squares of norms for state but received a negative one for channel " +
                             std::to_string(i));
    }
  }
}

}  // namespace tascnet
