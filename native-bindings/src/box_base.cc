#include "box_lanes.h"

namespace ratatosk {

const BoxKernel kBoxKernelBase = {
    "base",
    [](const Job* jobs, size_t count) { BoxRun<4>().seal(jobs, count); },
    [](const Job* jobs, size_t count, uint8_t* ok) { BoxRun<4>().open(jobs, count, ok); },
};

}  // namespace ratatosk
