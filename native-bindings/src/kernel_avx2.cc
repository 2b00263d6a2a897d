#include "seal_lanes.h"

namespace ratatosk {

const Kernel kKernelAvx2 = {
    "avx2",
    [](const Job* jobs, size_t count) { SealRun<BoxForm, 8>().seal(jobs, count); },
    [](const Job* jobs, size_t count, uint8_t* ok) { SealRun<BoxForm, 8>().open(jobs, count, ok); },
    [](const Job* jobs, size_t count) { SealRun<RecordForm, 8>().seal(jobs, count); },
    [](const Job* jobs, size_t count, uint8_t* ok) { SealRun<RecordForm, 8>().open(jobs, count, ok); },
    512,
};

}  // namespace ratatosk
