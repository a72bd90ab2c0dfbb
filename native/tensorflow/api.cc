#include "api.h"

#if defined(__linux__)
#include <dlfcn.h>
#include <link.h>

#include <cstring>
#include <string>
#include <type_traits>
#include <vector>
#endif

namespace tascnet::tensorflow {
namespace {

#if defined(__linux__)

std::vector<std::string> loadedLibraries() {
  std::vector<std::string> paths;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        if (info->dlpi_name != nullptr && std::strstr(info->dlpi_name, "libtensorflow") != nullptr) {
          static_cast<std::vector<std::string>*>(data)->push_back(info->dlpi_name);
        }
        return 0;
      },
      &paths);
  return paths;
}

// Fills in what `library` has; false where anything is missing.
bool lookUp(void* library, Api& found) {
  bool complete = true;
  const auto look = [&](const char* name, auto& function) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    complete = complete && function != nullptr;
  };
  look("TF_NewStatus", found.newStatus);
  look("TF_DeleteStatus", found.deleteStatus);
  look("TF_SetStatus", found.setStatus);
  look("TF_GetCode", found.code);
  look("TF_Message", found.message);
  look("TF_NewOpDefinitionBuilder", found.newOp);
  look("TF_OpDefinitionBuilderAddAttr", found.addAttribute);
  look("TF_OpDefinitionBuilderAddInput", found.addInput);
  look("TF_OpDefinitionBuilderAddOutput", found.addOutput);
  look("TF_RegisterOpDefinition", found.registerOp);
  look("TF_NewKernelBuilder", found.newKernel);
  look("TF_RegisterKernelBuilder", found.registerKernel);
  look("TF_OpKernelConstruction_GetAttrFloat", found.floatAttribute);
  look("TF_OpKernelConstruction_GetAttrInt64List", found.integerAttributes);
  look("TF_GetInput", found.input);
  look("TF_AllocateOutput", found.allocateOutput);
  look("TF_OpKernelContext_Failure", found.fail);
  look("TF_NumDims", found.rank);
  look("TF_Dim", found.dim);
  look("TF_TensorData", found.data);
  look("TF_DeleteTensor", found.deleteTensor);
  return complete;
}

const Api* find() {
  static Api found;
  static bool complete = false;
  if (complete) return &found;
  for (const std::string& path : loadedLibraries()) {
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD);
    // The handle is kept: kernels stay registered for as long as the process runs.
    complete = library != nullptr && lookUp(library, found);
    if (complete) return &found;
  }
  return nullptr;
}

#else

const Api* find() { return nullptr; }

#endif

}  // namespace

const Api* api() { return find(); }

}  // namespace tascnet::tensorflow
