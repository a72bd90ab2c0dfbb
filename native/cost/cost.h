// Costs of many channel configurations. Terms are compiled once into flat arrays and evaluated for blocks of
// configurations laid side by side.
//
// A configuration gives the number of channels of every group. An affine form is constant + Σ multiplicity · channels of
// a group (the extent of an axis: of a Concat, of an input that is flattened, …). A term is coefficient · Π forms. A kind of
// cost (MACs, parameters, peak bytes) is the sum of its terms, or the maximum over its steps of the sum of each step's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../parallel.h"

namespace tascnet {

struct CostProgram {
  std::size_t groups = 0;
  std::size_t kinds = 0;
  std::vector<double> formConstant;
  std::vector<std::int32_t> formStart;  // forms + 1 positions in formGroup and formMultiplicity
  std::vector<std::int32_t> formGroup;
  std::vector<double> formMultiplicity;
  std::vector<double> termCoefficient;
  std::vector<std::int32_t> termStart;  // terms + 1 positions in termForm
  std::vector<std::int32_t> termForm;
  std::vector<std::int32_t> stepStart;  // steps + 1 positions among the terms
  std::vector<std::int32_t> stepKind;   // a sum has one step, a peak as many as it likes
};

// costs[i · kinds + k] for configurations[i · groups + g]. Exact while every product and sum is below 2⁵³.
// Throws std::range_error naming a channel count that is negative.
void evaluate(const CostProgram& program, const std::int32_t* configurations, std::size_t count, double* costs,
              const CancelFlag& cancel);

}  // namespace tascnet
