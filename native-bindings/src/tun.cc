#include "tun.h"

#include <cerrno>

#include "arguments.h"
#include "segments.h"

namespace ratatosk {

namespace {

// One crossing never keeps the event loop longer than this many packets.
constexpr size_t kMaxBatch = 4096;
constexpr size_t kMaxSlot = 1 << 20;

}  // namespace

Napi::Function Tun::define(Napi::Env env) {
  return DefineClass(env, "Tun",
                     {
                         InstanceMethod<&Tun::open>("open"),
                         InstanceMethod<&Tun::startReading>("startReading"),
                         InstanceMethod<&Tun::pause>("pause"),
                         InstanceMethod<&Tun::resume>("resume"),
                         InstanceMethod<&Tun::readBatch>("readBatch"),
                         InstanceMethod<&Tun::writeBatch>("writeBatch"),
                         InstanceMethod<&Tun::close>("close"),
                         InstanceAccessor<&Tun::name>("name"),
                         InstanceAccessor<&Tun::offloads>("offloads"),
                         InstanceAccessor<&Tun::writeErrors>("writeErrors"),
                     });
}

Tun::~Tun() {
  if (readable_ != nullptr) readable_->close();
}

Napi::Value Tun::open(const Napi::CallbackInfo& info) {
  char name[IFNAMSIZ];
  size_t wanted = 0;
  if (device_.isOpen()) return Napi::Number::New(info.Env(), -EALREADY);
  if (info.Length() != 2 || !readText(info.Env(), info[0], name, sizeof name) ||
      !readSize(info.Env(), info[1], static_cast<size_t>(Offloads::kAll), &wanted))
    return Napi::Number::New(info.Env(), -EINVAL);
  return Napi::Number::New(info.Env(), device_.open(name, static_cast<Offloads>(wanted)));
}

Napi::Value Tun::name(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), device_.name()); }

Napi::Value Tun::offloads(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(device_.offloads()));
}

Napi::Value Tun::writeErrors(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), writeErrors_); }

Napi::Value Tun::startReading(const Napi::CallbackInfo& info) {
  if (info.Length() != 1 || !info[0].IsFunction()) {
    refuse(info.Env(), "a function was expected");
    return {};
  }
  if (!device_.isOpen() || readable_ != nullptr) return Napi::Number::New(info.Env(), -EBADF);
  int result = 0;
  // While packets may come, this object must not be collected.
  if (Readable::start(info.Env(), device_.descriptor(), info[0].As<Napi::Function>(), &readable_, &result) != nullptr)
    Ref();
  return Napi::Number::New(info.Env(), result);
}

Napi::Value Tun::pause(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), readable_ == nullptr ? -EBADF : readable_->pause());
}

Napi::Value Tun::resume(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), readable_ == nullptr ? -EBADF : readable_->resume());
}

// (arena, slotSize, headroom, offsets, lengths, maxCount) → packets read, or an error if there was none.
Napi::Value Tun::readBatch(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  View<uint8_t> arena;
  View<int32_t> offsets, lengths;
  size_t slotSize = 0, headroom = 0, maxCount = 0;
  if (info.Length() != 6) {
    refuse(env, "six arguments were expected");
    return {};
  }
  if (!viewOctets(env, info[0], &arena) || !readSize(env, info[1], kMaxSlot, &slotSize) ||
      !readSize(env, info[2], kMaxSlot, &headroom) || !viewInt32(env, info[3], &offsets) ||
      !viewInt32(env, info[4], &lengths) || !readSize(env, info[5], kMaxBatch, &maxCount))
    return {};
  const size_t header = device_.offloads() == Offloads::kNone ? 0 : kVirtioHeader;
  if (headroom < header || slotSize <= headroom || arena.size / slotSize < maxCount || offsets.size < maxCount || lengths.size < maxCount) {
    refuse(env, "the arena or a column is too small for the batch");
    return {};
  }
  if (!device_.isOpen()) return Napi::Number::New(env, -EBADF);

  size_t count = 0;
  for (; count < maxCount; count++) {
    const size_t at = count * slotSize + headroom;
    const int length = device_.read(arena.data + at, slotSize - headroom);
    if (length == -EAGAIN || (length < 0 && count > 0)) break;
    if (length < 0) return Napi::Number::New(env, length);
    offsets.data[count] = static_cast<int32_t>(at);
    lengths.data[count] = length;
  }
  return Napi::Number::New(env, static_cast<double>(count));
}

// (buffers, offsets, lengths, count, unfinished) → packets the kernel took.
Napi::Value Tun::writeBatch(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  View<int32_t> offsets, lengths;
  View<uint8_t> unfinished;
  size_t count = 0;
  if (info.Length() != 5) {
    refuse(env, "five arguments were expected");
    return {};
  }
  if (!readSize(env, info[3], kMaxBatch, &count)) return {};

  // All elements first: reading one may run JavaScript, which ends the life of every view.
  packets_.resize(count);
  for (size_t i = 0; i < count; i++) {
    if (napi_get_element(env, info[0], static_cast<uint32_t>(i), &packets_[i]) != napi_ok) {
      refuse(env, "a buffer is missing");
      return {};
    }
  }
  if (!viewInt32(env, info[1], &offsets) || !viewInt32(env, info[2], &lengths) ||
      !viewOctets(env, info[4], &unfinished))
    return {};
  if (offsets.size < count || lengths.size < count || unfinished.size < count) {
    refuse(env, "a column is shorter than the batch");
    return {};
  }

  View<uint8_t> buffer;
  size_t written = 0;
  for (size_t i = 0; i < count; i++) {
    // Packets of one frame share a buffer: comparing is cheaper than asking again.
    bool isSame = false;
    if (i > 0 && napi_strict_equals(env, packets_[i], packets_[i - 1], &isSame) != napi_ok) isSame = false;
    if (!isSame && !viewOctets(env, packets_[i], &buffer)) return {};
    if (offsets.data[i] < 0 || lengths.data[i] < 0 ||
        !isWithin(static_cast<size_t>(offsets.data[i]), static_cast<size_t>(lengths.data[i]), buffer.size)) {
      refuse(env, "a packet lies outside of its buffer");
      return {};
    }
    uint8_t* const packet = buffer.data + offsets.data[i];
    const size_t length = static_cast<size_t>(lengths.data[i]);
    const int result = unfinished.data[i] == 0 ? device_.write(packet, length) : device_.writeUnfinished(packet, length);
    if (result == 0)
      written++;
    else
      writeErrors_++;
  }
  return Napi::Number::New(env, static_cast<double>(written));
}

Napi::Value Tun::close(const Napi::CallbackInfo& info) {
  if (readable_ != nullptr) {
    readable_->close();
    Unref();
  }
  device_.close();
  return info.Env().Undefined();
}

}  // namespace ratatosk
