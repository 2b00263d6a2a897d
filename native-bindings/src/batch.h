#pragma once

#include <napi.h>

#include <vector>

#include "arguments.h"
#include "job.h"

namespace ratatosk {

// A batch of jobs from JavaScript: (buffers, table, keys, nonces, ok, count), see addon.ts. The vectors keep their
// memory between calls.
class Batch {
 public:
  enum class Act { kSeal, kOpen };

  // False and a pending exception if any job lies outside of its buffers. The jobs are valid until JavaScript runs.
  bool take(const Napi::CallbackInfo& info, Act act);

  const Job* jobs() const { return jobs_.data(); }
  size_t count() const { return jobs_.size(); }
  // One octet a job, when opening.
  uint8_t* ok() const { return ok_.data; }

 private:
  std::vector<napi_value> values_;
  std::vector<View<uint8_t>> buffers_;
  std::vector<Job> jobs_;
  View<uint8_t> ok_;
};

}  // namespace ratatosk
