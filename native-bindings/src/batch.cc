#include "batch.h"

namespace ratatosk {

namespace {

// Columns of a row of the table.
enum Column { kSource, kSourceOffset, kLength, kTarget, kTargetOffset, kAdLength, kColumns };

constexpr size_t kMaxJobs = 65536;

bool isJobValid(const int32_t* row, Batch::Act act, const std::vector<View<uint8_t>>& buffers) {
  for (int column = 0; column < kColumns; column++) {
    if (row[column] < 0) return false;
  }
  const size_t source = static_cast<size_t>(row[kSource]), target = static_cast<size_t>(row[kTarget]);
  if (source >= buffers.size() || target >= buffers.size()) return false;
  const bool isSeal = act == Batch::Act::kSeal;
  // The associated data is where the ciphertext is.
  if (row[kAdLength] > row[isSeal ? kTargetOffset : kSourceOffset]) return false;
  const size_t length = static_cast<size_t>(row[kLength]);
  if (!isSeal && length < kTagSize) return false;
  return isWithin(static_cast<size_t>(row[kSourceOffset]), length, buffers[source].size) &&
         isWithin(static_cast<size_t>(row[kTargetOffset]), isSeal ? length + kTagSize : length - kTagSize,
                  buffers[target].size);
}

}  // namespace

bool Batch::take(const Napi::CallbackInfo& info, Act act) {
  const napi_env env = info.Env();
  jobs_.clear();
  if (info.Length() != 6) return refuse(env, "six arguments were expected");
  uint32_t bufferCount = 0;
  size_t count = 0;
  if (napi_get_array_length(env, info[0], &bufferCount) != napi_ok) return refuse(env, "an array was expected");
  if (!readSize(env, info[5], kMaxJobs, &count)) return false;
  if (bufferCount > 2 * count) return refuse(env, "more buffers than a batch can name");

  // All elements first: reading one may run JavaScript, which ends the life of every view.
  values_.resize(bufferCount);
  buffers_.resize(bufferCount);
  for (uint32_t i = 0; i < bufferCount; i++) {
    if (napi_get_element(env, info[0], i, &values_[i]) != napi_ok) return refuse(env, "a buffer is missing");
  }
  for (uint32_t i = 0; i < bufferCount; i++) {
    if (!viewOctets(env, values_[i], &buffers_[i])) return false;
  }
  View<int32_t> table;
  View<uint8_t> keys;
  View<uint32_t> nonces;
  if (!viewInt32(env, info[1], &table) || !viewOctets(env, info[2], &keys) || !viewUint32(env, info[3], &nonces) ||
      !viewOctets(env, info[4], &ok_))
    return false;
  if (table.size / kColumns < count || keys.size / kKeySize < count || nonces.size / 2 < count ||
      (act == Act::kOpen && ok_.size < count))
    return refuse(env, "a column is shorter than the batch");

  for (size_t i = 0; i < count; i++) {
    if (!isJobValid(table.data + i * kColumns, act, buffers_))
      return refuse(env, "a job lies outside of its buffers");
  }
  jobs_.resize(count);
  for (size_t i = 0; i < count; i++) {
    const int32_t* row = table.data + i * kColumns;
    jobs_[i] = {buffers_[static_cast<size_t>(row[kSource])].data + row[kSourceOffset],
                buffers_[static_cast<size_t>(row[kTarget])].data + row[kTargetOffset],
                static_cast<size_t>(row[kLength]),
                static_cast<size_t>(row[kAdLength]),
                keys.data + i * kKeySize,
                nonces.data[2 * i],
                nonces.data[2 * i + 1]};
  }
  return true;
}

}  // namespace ratatosk
