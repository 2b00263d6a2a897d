#include "box.h"

#include <cstring>

namespace ratatosk {

namespace {

bool canRun(const BoxKernel* kernel) {
#if defined(__x86_64__)
  // VBMI is not used: it tells the processors apart that do not lower their clock for 512-bit registers.
  if (kernel == &kBoxKernelAvx512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vbmi");
  if (kernel == &kBoxKernelAvx2) return __builtin_cpu_supports("avx2");
#endif
  return kernel == &kBoxKernelBase;
}

}  // namespace

const BoxKernel* chooseBoxKernel(const char* wanted) {
  const BoxKernel* const kernels[] = {
#if defined(__x86_64__)
      &kBoxKernelAvx512,
      &kBoxKernelAvx2,
#endif
      &kBoxKernelBase,
  };
  for (const BoxKernel* kernel : kernels) {
    const bool isWanted = wanted == nullptr || std::strcmp(wanted, kernel->name) == 0;
    if (isWanted && canRun(kernel)) return kernel;
  }
  return nullptr;
}

}  // namespace ratatosk
