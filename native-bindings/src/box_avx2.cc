#include "box_lanes.h"

namespace ratatosk {

const BoxKernel kBoxKernelAvx2 = {
    "avx2",
    [](const Job* jobs, size_t count) { BoxRun<8>().seal(jobs, count); },
    [](const Job* jobs, size_t count, uint8_t* ok) { BoxRun<8>().open(jobs, count, ok); },
};

}  // namespace ratatosk
