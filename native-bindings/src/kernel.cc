#include "kernel.h"

#include <cstring>

namespace ratatosk {

namespace {

bool canRun(const Kernel* kernel) {
#if defined(__x86_64__)
  // VBMI is not used: it tells the processors apart that do not lower their clock for 512-bit registers.
  if (kernel == &kKernelAvx512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vbmi");
  if (kernel == &kKernelAvx2) return __builtin_cpu_supports("avx2");
#endif
  return kernel == &kKernelBase;
}

}  // namespace

const Kernel* chooseKernel(const char* wanted) {
  const Kernel* const kernels[] = {
#if defined(__x86_64__)
      &kKernelAvx512,
      &kKernelAvx2,
#endif
      &kKernelBase,
  };
  for (const Kernel* kernel : kernels) {
    const bool isWanted = wanted == nullptr || std::strcmp(wanted, kernel->name) == 0;
    if (isWanted && canRun(kernel)) return kernel;
  }
  return nullptr;
}

}  // namespace ratatosk
