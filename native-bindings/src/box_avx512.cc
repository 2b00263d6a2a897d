#include "box_lanes.h"

namespace ratatosk {

const BoxKernel kBoxKernelAvx512 = {
    "avx512",
    [](const Job* jobs, size_t count) { BoxRun<16>().seal(jobs, count); },
    [](const Job* jobs, size_t count, uint8_t* ok) { BoxRun<16>().open(jobs, count, ok); },
};

}  // namespace ratatosk
