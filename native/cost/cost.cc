#include "cost.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

#include "../buffer.h"
#include "../simd/kernels.h"

namespace tascnet {
namespace {

constexpr std::size_t kLanes = 64;             // configurations side by side
constexpr std::size_t kPerSlice = 8 * kLanes;

std::size_t at(const std::vector<std::int32_t>& values, std::size_t i) { return static_cast<std::size_t>(values[i]); }

class Block {
 public:
  explicit Block(const CostProgram& program)
      : program_(program), channels_(kLanes * std::max<std::size_t>(1, program.groups)),
        forms_(kLanes * std::max<std::size_t>(1, program.formConstant.size())), step_(kLanes), product_(kLanes),
        kinds_(kLanes * std::max<std::size_t>(1, program.kinds)) {}

  void run(const std::int32_t* configurations, std::size_t first, std::size_t count, double* costs) {
    readChannels(configurations, first, count);
    computeForms();
    std::fill(kinds_.data(), kinds_.data() + kLanes * program_.kinds, 0.0);
    std::vector<char> begun(program_.kinds);
    for (std::size_t s = 0; s < program_.stepKind.size(); ++s) {
      const std::size_t kind = at(program_.stepKind, s);
      sumStep(s);
      double* const total = kinds_.data() + kind * kLanes;
      if (begun[kind]) {
        kernels().maximum(total, step_.data(), kLanes);
      } else {
        std::copy(step_.data(), step_.data() + kLanes, total);
        begun[kind] = 1;
      }
    }
    for (std::size_t lane = 0; lane < count; ++lane) {
      for (std::size_t k = 0; k < program_.kinds; ++k) {
        costs[(first + lane) * program_.kinds + k] = kinds_[k * kLanes + lane];
      }
    }
  }

 private:
  // Lanes beyond `count` repeat the last configuration.
  void readChannels(const std::int32_t* configurations, std::size_t first, std::size_t count) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const std::size_t row = first + std::min(lane, count - 1);
      for (std::size_t g = 0; g < program_.groups; ++g) {
        const std::int32_t value = configurations[row * program_.groups + g];
        if (value < 0) {
          throw std::range_error("Expected channel counts of at least 0 for configurations but received " +
                                 std::to_string(value) + " at index " + std::to_string(row * program_.groups + g));
        }
        channels_[g * kLanes + lane] = value;
      }
    }
  }

  void computeForms() {
    for (std::size_t f = 0; f < program_.formConstant.size(); ++f) {
      double* const form = forms_.data() + f * kLanes;
      std::fill(form, form + kLanes, program_.formConstant[f]);
      for (std::size_t i = at(program_.formStart, f); i < at(program_.formStart, f + 1); ++i) {
        kernels().addScaled(form, program_.formMultiplicity[i], channels_.data() + at(program_.formGroup, i) * kLanes,
                            kLanes);
      }
    }
  }

  const double* form(std::size_t i) const { return forms_.data() + at(program_.termForm, i) * kLanes; }

  void sumStep(std::size_t s) {
    const Kernels& simd = kernels();
    double* const step = step_.data();
    std::fill(step, step + kLanes, 0.0);
    for (std::size_t t = at(program_.stepStart, s); t < at(program_.stepStart, s + 1); ++t) {
      const double coefficient = program_.termCoefficient[t];
      const std::size_t begin = at(program_.termStart, t);
      const std::size_t factors = at(program_.termStart, t + 1) - begin;
      if (factors == 0) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) step[lane] += coefficient;
      } else if (factors == 1) {
        simd.addScaled(step, coefficient, form(begin), kLanes);
      } else {
        const double* left = form(begin);
        if (factors > 2) {
          std::copy(left, left + kLanes, product_.data());
          for (std::size_t i = begin + 1; i + 1 < begin + factors; ++i) simd.multiply(product_.data(), form(i), kLanes);
          left = product_.data();
        }
        simd.addProduct(step, coefficient, left, form(begin + factors - 1), kLanes);
      }
    }
  }

  const CostProgram& program_;
  Buffer<double> channels_;
  Buffer<double> forms_;
  Buffer<double> step_;
  Buffer<double> product_;
  Buffer<double> kinds_;
};

}  // namespace

void evaluate(const CostProgram& program, const std::int32_t* configurations, std::size_t count, double* costs,
              const CancelFlag& cancel) {
  parallelFor(ceilDivide(count, kPerSlice), cancel, [&](std::size_t slice) {
    Block block(program);
    const std::size_t end = std::min(count, (slice + 1) * kPerSlice);
    for (std::size_t first = slice * kPerSlice; first < end; first += kLanes) {
      block.run(configurations, first, std::min(kLanes, end - first), costs);
    }
  });
}

}  // namespace tascnet
