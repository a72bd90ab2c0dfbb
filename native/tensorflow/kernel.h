// What the kernels for TensorFlow have in common: tensors and statuses that let go of themselves, and the way from a
// function in C++ to a kernel.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "api.h"

namespace tascnet::tensorflow {

// A status that throws what it was set to.
class Checked {
 public:
  explicit Checked(const Api& tf) : tf_(tf), status_(tf.newStatus()) {}
  Checked(const Checked&) = delete;
  Checked& operator=(const Checked&) = delete;
  ~Checked() { tf_.deleteStatus(status_); }

  Status* get() const { return status_; }
  void check() const {
    if (tf_.code(status_) != kOk) throw std::runtime_error(tf_.message(status_));
  }

 private:
  const Api& tf_;
  Status* status_;
};

using Dims = std::vector<std::int64_t>;

class Input {
 public:
  Input(const Api& tf, KernelContext* context, int index) : tf_(tf) {
    const Checked status(tf);
    tf.input(context, index, &tensor_, status.get());
    status.check();
    for (int axis = 0; axis < tf.rank(tensor_); ++axis) dims_.push_back(tf.dim(tensor_, axis));
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input() { tf_.deleteTensor(tensor_); }

  const Dims& dims() const { return dims_; }
  std::size_t extent(std::size_t axis) const { return static_cast<std::size_t>(dims_[axis]); }
  const float* data() const { return static_cast<const float*>(tf_.data(tensor_)); }
  std::size_t elements() const {
    std::size_t product = 1;
    for (const std::int64_t dim : dims_) product *= static_cast<std::size_t>(dim);
    return product;
  }

 private:
  const Api& tf_;
  Tensor* tensor_ = nullptr;
  Dims dims_;
};

class Output {
 public:
  Output(const Api& tf, KernelContext* context, int index, const Dims& dims) : tf_(tf) {
    const Checked status(tf);
    std::size_t bytes = sizeof(float);
    for (const std::int64_t dim : dims) bytes *= static_cast<std::size_t>(dim);
    tensor_ = tf.allocateOutput(context, index, kFloat, dims.data(), static_cast<int>(dims.size()), bytes, status.get());
    status.check();
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { tf_.deleteTensor(tensor_); }

  float* data() const { return static_cast<float*>(tf_.data(tensor_)); }

 private:
  const Api& tf_;
  Tensor* tensor_ = nullptr;
};

// A kernel's attributes: read once, when TensorFlow makes the kernel. `problem` is told where it computes.
template <class Attributes>
struct Kernel {
  const Api& tf;
  Attributes attributes;
  std::string problem;
};

// TensorFlow calls these from C: nothing may be thrown through them.
template <class Attributes>
void* create(KernelConstruction* construction) {
  const Api& tf = *api();
  auto kernel = std::make_unique<Kernel<Attributes>>(Kernel<Attributes>{tf, {}, ""});
  try {
    kernel->attributes.read(tf, construction);
  } catch (const std::exception& error) {
    kernel->problem = error.what();
  }
  return kernel.release();
}

template <class Attributes>
void destroy(void* kernel) {
  delete static_cast<Kernel<Attributes>*>(kernel);
}

template <class Attributes, void (*work)(const Api&, KernelContext*, const Attributes&)>
void compute(void* made, KernelContext* context) {
  const auto& kernel = *static_cast<const Kernel<Attributes>*>(made);
  const auto fail = [&](int code, const char* message) {
    const Checked status(kernel.tf);
    kernel.tf.setStatus(status.get(), code, message);
    kernel.tf.fail(context, status.get());
  };
  try {
    if (!kernel.problem.empty()) throw std::invalid_argument(kernel.problem);
    work(kernel.tf, context, kernel.attributes);
  } catch (const std::invalid_argument& error) {
    fail(kInvalidArgument, error.what());
  } catch (const std::exception& error) {
    fail(kInternal, error.what());
  }
}

struct Signature {
  const char* name;
  std::vector<const char*> attributes;
  std::vector<const char*> inputs;
  std::vector<const char*> outputs;
};

// Adds an operation and its kernel for the CPU device. Throws what TensorFlow has against it.
template <class Attributes, void (*work)(const Api&, KernelContext*, const Attributes&)>
void add(const Api& tf, const Signature& signature) {
  const Checked defined(tf);
  OpDefinition* const op = tf.newOp(signature.name);
  for (const char* const each : signature.attributes) tf.addAttribute(op, each);
  for (const char* const each : signature.inputs) tf.addInput(op, each);
  for (const char* const each : signature.outputs) tf.addOutput(op, each);
  tf.registerOp(op, defined.get());
  defined.check();
  const Checked built(tf);
  KernelBuilder* const builder =
      tf.newKernel(signature.name, "CPU", create<Attributes>, compute<Attributes, work>, destroy<Attributes>);
  tf.registerKernel(signature.name, builder, built.get());
  built.check();
}

}  // namespace tascnet::tensorflow
