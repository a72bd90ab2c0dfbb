// The part of TensorFlow's C interface with which a program adds operations of its own (tensorflow/c/ops.h, kernels.h and
// tf_tensor.h, which promise to stay as they are). It is looked up in the TensorFlow that the process has loaded, so that
// the addon is built and loaded without any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tascnet::tensorflow {

struct Status;
struct OpDefinition;
struct KernelBuilder;
struct KernelConstruction;
struct KernelContext;
struct Tensor;

constexpr int kOk = 0;
constexpr int kInvalidArgument = 3;
constexpr int kInternal = 13;
constexpr int kFloat = 1;

struct Api {
  Status* (*newStatus)();
  void (*deleteStatus)(Status*);
  void (*setStatus)(Status*, int code, const char* message);
  int (*code)(const Status*);
  const char* (*message)(const Status*);

  OpDefinition* (*newOp)(const char* name);
  void (*addAttribute)(OpDefinition*, const char* specification);
  void (*addInput)(OpDefinition*, const char* specification);
  void (*addOutput)(OpDefinition*, const char* specification);
  void (*registerOp)(OpDefinition*, Status*);

  KernelBuilder* (*newKernel)(const char* op, const char* device, void* (*create)(KernelConstruction*),
                              void (*compute)(void*, KernelContext*), void (*destroy)(void*));
  void (*registerKernel)(const char* name, KernelBuilder*, Status*);
  void (*floatAttribute)(KernelConstruction*, const char* name, float* value, Status*);
  void (*integerAttributes)(KernelConstruction*, const char* name, std::int64_t* values, int most, Status*);

  void (*input)(KernelContext*, int index, Tensor**, Status*);
  Tensor* (*allocateOutput)(KernelContext*, int index, int type, const std::int64_t* dims, int rank,
                            std::size_t bytes, Status*);
  void (*fail)(KernelContext*, Status*);

  int (*rank)(const Tensor*);
  std::int64_t (*dim)(const Tensor*, int axis);
  void* (*data)(const Tensor*);
  void (*deleteTensor)(Tensor*);
};

// The same for the whole process once it was found. Null where the process has no TensorFlow, one without these functions, or a system on which none is looked for.
const Api* api();

}  // namespace tascnet::tensorflow
