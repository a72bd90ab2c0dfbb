#include "../normalize/batch_norm.h"

#include "kernel.h"
#include "kernels.h"

namespace tascnet::tensorflow {
namespace {

struct Epsilon {
  float value = 0;

  void read(const Api& tf, KernelConstruction* construction) {
    const Checked status(tf);
    tf.floatAttribute(construction, "epsilon", &value, status.get());
    status.check();
  }
};

Rows2D rowsOf(const Input& x) {
  if (x.dims().empty()) throw std::invalid_argument("Expected an axis of channels");
  const auto channels = static_cast<std::size_t>(x.dims().back());
  return {x.data(), channels == 0 ? 0 : x.elements() / channels, channels};
}

const float* oneEach(const Input& vector, const Rows2D& x) {
  if (vector.elements() != x.channels) throw std::invalid_argument("Expected one number a channel");
  return vector.data();
}

void normalize(const Api& tf, KernelContext* context, const Epsilon& epsilon) {
  const Input x(tf, context, 0);
  const Rows2D rows = rowsOf(x);
  const Input scale(tf, context, 1);
  const Input bias(tf, context, 2);
  const Dims vector = {x.dims().back()};
  const Output y(tf, context, 0, x.dims());
  const Output mean(tf, context, 1, vector);
  const Output variance(tf, context, 2, vector);
  batchNorm(rows, oneEach(scale, rows), oneEach(bias, rows), epsilon.value, y.data(), mean.data(), variance.data());
}

void passBack(const Api& tf, KernelContext* context, const Epsilon& epsilon) {
  const Input gradient(tf, context, 0);
  const Input x(tf, context, 1);
  const Rows2D rows = rowsOf(x);
  if (gradient.elements() != x.elements()) throw std::invalid_argument("Expected a gradient of the shape of x");
  const Input scale(tf, context, 2);
  const Input mean(tf, context, 3);
  const Input variance(tf, context, 4);
  const Dims vector = {x.dims().back()};
  const Output ofX(tf, context, 0, x.dims());
  const Output ofScale(tf, context, 1, vector);
  const Output ofBias(tf, context, 2, vector);
  batchNormGradient(gradient.data(), rows, oneEach(scale, rows), oneEach(mean, rows), oneEach(variance, rows),
                    epsilon.value, {ofX.data(), ofScale.data(), ofBias.data()});
}

}  // namespace

void addBatchNorm(const Api& tf) {
  add<Epsilon, normalize>(tf, {"TascnetBatchNorm",
                               {"epsilon: float"},
                               {"x: float", "scale: float", "bias: float"},
                               {"y: float", "mean: float", "variance: float"}});
  add<Epsilon, passBack>(tf, {"TascnetBatchNormGrad",
                              {"epsilon: float"},
                              {"dy: float", "x: float", "scale: float", "mean: float", "variance: float"},
                              {"dx: float", "dscale: float", "dbias: float"}});
}

}  // namespace tascnet::tensorflow
