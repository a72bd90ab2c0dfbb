#include "kernels.h"

#include <cstdint>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "../normalize/batch_norm.h"
#include "api.h"

namespace tascnet::tensorflow {
namespace {

const Api* tf = nullptr;

// A status that throws what it was set to.
class Checked {
 public:
  Checked() : status_(tf->newStatus()) {}
  Checked(const Checked&) = delete;
  Checked& operator=(const Checked&) = delete;
  ~Checked() { tf->deleteStatus(status_); }

  Status* get() const { return status_; }
  void check() const {
    if (tf->code(status_) != kOk) throw std::runtime_error(tf->message(status_));
  }

 private:
  Status* status_;
};

class Input {
 public:
  Input(KernelContext* context, int index) {
    const Checked status;
    tf->input(context, index, &tensor_, status.get());
    status.check();
    for (int axis = 0; axis < tf->rank(tensor_); ++axis) dims_.push_back(tf->dim(tensor_, axis));
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input() { tf->deleteTensor(tensor_); }

  const std::vector<std::int64_t>& dims() const { return dims_; }
  const float* data() const { return static_cast<const float*>(tf->data(tensor_)); }
  std::size_t elements() const {
    std::size_t product = 1;
    for (const std::int64_t dim : dims_) product *= static_cast<std::size_t>(dim);
    return product;
  }
  const float* vector(std::size_t length) const {
    if (elements() != length) throw std::invalid_argument("Expected one number a channel");
    return data();
  }

 private:
  Tensor* tensor_ = nullptr;
  std::vector<std::int64_t> dims_;
};

class Output {
 public:
  Output(KernelContext* context, int index, const std::vector<std::int64_t>& dims) {
    const Checked status;
    std::size_t bytes = sizeof(float);
    for (const std::int64_t dim : dims) bytes *= static_cast<std::size_t>(dim);
    tensor_ = tf->allocateOutput(context, index, kFloat, dims.data(), static_cast<int>(dims.size()), bytes,
                                 status.get());
    status.check();
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { tf->deleteTensor(tensor_); }

  float* data() const { return static_cast<float*>(tf->data(tensor_)); }

 private:
  Tensor* tensor_ = nullptr;
};

Rows2D rowsOf(const Input& x) {
  if (x.dims().empty()) throw std::invalid_argument("Expected an axis of channels");
  const auto channels = static_cast<std::size_t>(x.dims().back());
  return {x.data(), channels == 0 ? 0 : x.elements() / channels, channels};
}

void normalize(KernelContext* context, float epsilon) {
  const Input x(context, 0);
  const Rows2D rows = rowsOf(x);
  const Input scale(context, 1);
  const Input bias(context, 2);
  const std::vector<std::int64_t> vector = {x.dims().back()};
  const Output y(context, 0, x.dims());
  const Output mean(context, 1, vector);
  const Output variance(context, 2, vector);
  batchNorm(rows, scale.vector(rows.channels), bias.vector(rows.channels), epsilon, y.data(), mean.data(),
            variance.data());
}

void passBack(KernelContext* context, float epsilon) {
  const Input gradient(context, 0);
  const Input x(context, 1);
  const Rows2D rows = rowsOf(x);
  if (gradient.elements() != x.elements()) throw std::invalid_argument("Expected a gradient of the shape of x");
  const Input scale(context, 2);
  const Input mean(context, 3);
  const Input variance(context, 4);
  const std::vector<std::int64_t> vector = {x.dims().back()};
  const Output ofX(context, 0, x.dims());
  const Output ofScale(context, 1, vector);
  const Output ofBias(context, 2, vector);
  batchNormGradient(gradient.data(), rows, scale.vector(rows.channels), mean.vector(rows.channels),
                    variance.vector(rows.channels), epsilon, {ofX.data(), ofScale.data(), ofBias.data()});
}

void* createWithEpsilon(KernelConstruction* construction) {
  const Checked status;
  auto* const epsilon = new float(0);
  tf->floatAttribute(construction, "epsilon", epsilon, status.get());
  return epsilon;
}

void destroyEpsilon(void* kernel) { delete static_cast<float*>(kernel); }

// TensorFlow calls this from C: nothing may be thrown through it.
template <void (*work)(KernelContext*, float)>
void compute(void* kernel, KernelContext* context) {
  const auto fail = [&](int code, const char* message) {
    const Checked status;
    tf->setStatus(status.get(), code, message);
    tf->fail(context, status.get());
  };
  try {
    work(context, *static_cast<const float*>(kernel));
  } catch (const std::invalid_argument& error) {
    fail(kInvalidArgument, error.what());
  } catch (const std::exception& error) {
    fail(kInternal, error.what());
  }
}

void add(const char* name, const std::vector<const char*>& inputs, const std::vector<const char*>& outputs,
         void (*work)(void*, KernelContext*)) {
  const Checked defined;
  OpDefinition* const op = tf->newOp(name);
  tf->addAttribute(op, "epsilon: float");
  for (const char* const input : inputs) tf->addInput(op, input);
  for (const char* const output : outputs) tf->addOutput(op, output);
  tf->registerOp(op, defined.get());
  defined.check();
  const Checked built;
  tf->registerKernel(name, tf->newKernel(name, "CPU", createWithEpsilon, work, destroyEpsilon), built.get());
  built.check();
}

std::string registerAll() {
  tf = api();
  if (tf == nullptr) return "no TensorFlow to which kernels could be added is loaded";
  try {
    add("TascnetBatchNorm", {"x: float", "scale: float", "bias: float"},
        {"y: float", "mean: float", "variance: float"}, compute<normalize>);
    add("TascnetBatchNormGrad", {"dy: float", "x: float", "scale: float", "mean: float", "variance: float"},
        {"dx: float", "dscale: float", "dbias: float"}, compute<passBack>);
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace

std::string registerKernels() {
  static std::mutex mutex;
  static bool done = false;
  const std::lock_guard lock(mutex);
  // TensorFlow may be loaded later: only a success is for good.
  if (done) return "";
  const std::string problem = registerAll();
  done = problem.empty();
  return problem;
}

}  // namespace tascnet::tensorflow
