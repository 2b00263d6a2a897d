#include "seal_lanes.h"

namespace ratatosk {

const Kernel kKernelAvx512 = {
    "avx512",
    [](const Job* jobs, size_t count) { SealRun<BoxForm, 16>().seal(jobs, count); },
    [](const Job* jobs, size_t count, uint8_t* ok) { SealRun<BoxForm, 16>().open(jobs, count, ok); },
    [](const Job* jobs, size_t count) { SealRun<RecordForm, 16>().seal(jobs, count); },
    [](const Job* jobs, size_t count, uint8_t* ok) { SealRun<RecordForm, 16>().open(jobs, count, ok); },
    SIZE_MAX,
};

}  // namespace ratatosk
