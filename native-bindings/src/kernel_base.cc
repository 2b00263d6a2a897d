#include "seal_lanes.h"

namespace ratatosk {

const Kernel kKernelBase = {
    "base",
    [](const Job* jobs, size_t count) { SealRun<BoxForm, 4>().seal(jobs, count); },
    [](const Job* jobs, size_t count, uint8_t* ok) { SealRun<BoxForm, 4>().open(jobs, count, ok); },
    [](const Job* jobs, size_t count) { SealRun<RecordForm, 4>().seal(jobs, count); },
    [](const Job* jobs, size_t count, uint8_t* ok) { SealRun<RecordForm, 4>().open(jobs, count, ok); },
    512,
};

}  // namespace ratatosk
