// Costs of configurations, of programs of any form.
#include "../../../native/cost/cost.h"

#include <algorithm>
#include <stdexcept>

#include "input.h"

namespace {

tascnet::CostProgram programFrom(Input& input) {
  tascnet::CostProgram program;
  program.groups = input.extent(20);
  program.kinds = input.between(1, 4);
  program.formStart = program.termStart = program.stepStart = {0};
  const std::size_t forms = input.extent(20);
  for (std::size_t f = 0; f < forms; ++f) {
    program.formConstant.push_back(static_cast<double>(input.between(0, 9)));
    for (std::size_t parts = program.groups == 0 ? 0 : input.between(0, 3); parts > 0; --parts) {
      program.formGroup.push_back(static_cast<std::int32_t>(input.between(0, program.groups - 1)));
      program.formMultiplicity.push_back(static_cast<double>(input.between(1, 5)));
    }
    program.formStart.push_back(static_cast<std::int32_t>(program.formGroup.size()));
  }
  for (std::size_t steps = input.extent(12); steps > 0; --steps) {
    for (std::size_t terms = input.between(0, 3); terms > 0; --terms) {
      program.termCoefficient.push_back(static_cast<double>(input.between(0, 40)) - 10);
      for (std::size_t factors = forms == 0 ? 0 : input.between(0, 3); factors > 0; --factors) {
        program.termForm.push_back(static_cast<std::int32_t>(input.between(0, forms - 1)));
      }
      program.termStart.push_back(static_cast<std::int32_t>(program.termForm.size()));
    }
    program.stepStart.push_back(static_cast<std::int32_t>(program.termCoefficient.size()));
    program.stepKind.push_back(static_cast<std::int32_t>(input.between(0, program.kinds - 1)));
  }
  return program;
}

double formOf(const tascnet::CostProgram& program, std::size_t form, const std::int32_t* channels) {
  double value = program.formConstant[form];
  for (auto p = static_cast<std::size_t>(program.formStart[form]);
       p < static_cast<std::size_t>(program.formStart[form + 1]); ++p) {
    value += program.formMultiplicity[p] * channels[program.formGroup[p]];
  }
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const tascnet::CostProgram program = programFrom(input);
  const std::size_t count = program.groups == 0 ? 1 : input.extent(700);
  std::vector<std::int32_t> configurations(count * program.groups);
  for (std::int32_t& channels : configurations) channels = static_cast<std::int32_t>(input.between(0, 64));
  bool negative = false;
  if (!configurations.empty() && input.between(0, 9) == 0) {
    configurations[input.between(0, configurations.size() - 1)] = -1;
    negative = true;
  }
  std::vector<double> costs(count * program.kinds, -7);
  try {
    tascnet::evaluate(program, configurations.data(), count, costs.data(), {});
  } catch (const std::range_error&) {
    REQUIRE(negative);
    return 0;
  }
  REQUIRE(!negative);
  for (std::size_t c = 0; c < count; ++c) {
    const std::int32_t* const channels = configurations.data() + c * program.groups;
    std::vector<double> expected(program.kinds);
    std::vector<char> any(program.kinds);
    for (std::size_t s = 0; s < program.stepKind.size(); ++s) {
      double step = 0;
      for (auto t = static_cast<std::size_t>(program.stepStart[s]);
           t < static_cast<std::size_t>(program.stepStart[s + 1]); ++t) {
        double term = program.termCoefficient[t];
        for (auto f = static_cast<std::size_t>(program.termStart[t]);
             f < static_cast<std::size_t>(program.termStart[t + 1]); ++f) {
          term *= formOf(program, static_cast<std::size_t>(program.termForm[f]), channels);
        }
        step += term;
      }
      const auto kind = static_cast<std::size_t>(program.stepKind[s]);
      expected[kind] = any[kind] != 0 ? std::max(expected[kind], step) : step;
      any[kind] = 1;
    }
    for (std::size_t k = 0; k < program.kinds; ++k) REQUIRE(costs[c * program.kinds + k] == expected[k]);
  }
  return 0;
}
