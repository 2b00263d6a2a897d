#include "udp.h"

#include <net/if.h>

#include <cerrno>

#include "arguments.h"

namespace ratatosk {

namespace {

constexpr size_t kMaxBatch = 4096;

}  // namespace

Napi::Function Udp::define(Napi::Env env) {
  return DefineClass(env, "Udp",
                     {
                         InstanceMethod<&Udp::open>("open"),
                         InstanceMethod<&Udp::joinGroup>("joinGroup"),
                         InstanceMethod<&Udp::start>("start"),
                         InstanceMethod<&Udp::watch>("watch"),
                         InstanceMethod<&Udp::receiveBatch>("receiveBatch"),
                         InstanceMethod<&Udp::sendBatch>("sendBatch"),
                         InstanceMethod<&Udp::limitUnsent>("limitUnsent"),
                         InstanceMethod<&Udp::unsent>("unsent"),
                         InstanceMethod<&Udp::close>("close"),
                         InstanceAccessor<&Udp::refused>("refused"),
                     });
}

Udp::~Udp() {
  if (readable_ != nullptr) readable_->close();
}

// (family, address row, device or "*" for none, isShared) → the port, or an error.
Napi::Value Udp::open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  size_t family = 0, isShared = 0;
  View<uint8_t> address;
  char device[IFNAMSIZ];
  if (info.Length() != 4) {
    refuse(env, "four arguments were expected");
    return {};
  }
  if (!readSize(env, info[0], 2, &family) || !viewOctets(env, info[1], &address) ||
      !readText(env, info[2], device, sizeof device) || !readSize(env, info[3], 1, &isShared))
    return {};
  if (address.size != kAddressRow) {
    refuse(env, "an address row has 24 octets");
    return {};
  }
  if (socket_.isOpen()) return Napi::Number::New(env, -EALREADY);
  const int result = socket_.open({
      static_cast<UdpSocket::Family>(family),
      address.data,
      device[0] == '*' ? "" : device,
      isShared == 1,
  });
  return Napi::Number::New(env, result < 0 ? result : socket_.port());
}

// (group of 16 octets, interface index) → 0 or an error.
Napi::Value Udp::joinGroup(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  View<uint8_t> group;
  size_t index = 0;
  if (info.Length() != 2) {
    refuse(env, "two arguments were expected");
    return {};
  }
  if (!viewOctets(env, info[0], &group) || !readSize(env, info[1], INT32_MAX, &index)) return {};
  if (group.size != 16) {
    refuse(env, "an IPv6 address has 16 octets");
    return {};
  }
  return Napi::Number::New(env, socket_.joinGroup(group.data, static_cast<uint32_t>(index)));
}

Napi::Value Udp::refused(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), socket_.refused()); }

Napi::Value Udp::start(const Napi::CallbackInfo& info) {
  if (info.Length() != 1 || !info[0].IsFunction()) {
    refuse(info.Env(), "a function was expected");
    return {};
  }
  if (!socket_.isOpen() || readable_ != nullptr) return Napi::Number::New(info.Env(), -EBADF);
  int result = 0;
  // While datagrams may come, this object must not be collected.
  if (Readable::start(info.Env(), socket_.descriptor(), info[0].As<Napi::Function>(), &readable_, &result) != nullptr)
    Ref();
  return Napi::Number::New(info.Env(), result);
}

// (1 if writability is waited for too, else 0)
Napi::Value Udp::watch(const Napi::CallbackInfo& info) {
  size_t isWritable = 0;
  if (info.Length() != 1 || !readSize(info.Env(), info[0], 1, &isWritable)) return {};
  const int events = isWritable == 1 ? UV_READABLE | UV_WRITABLE : UV_READABLE;
  return Napi::Number::New(info.Env(), readable_ == nullptr ? -EBADF : readable_->resume(events));
}

// (arena, offsets, lengths, addresses, isFull) → rows, or an error; isFull[0] becomes 1 if more may wait.
Napi::Value Udp::receiveBatch(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  View<uint8_t> arena, addresses, isFull;
  View<int32_t> offsets, lengths;
  if (info.Length() != 5) {
    refuse(env, "five arguments were expected");
    return {};
  }
  if (!viewOctets(env, info[0], &arena) || !viewInt32(env, info[1], &offsets) || !viewInt32(env, info[2], &lengths) ||
      !viewOctets(env, info[3], &addresses) || !viewOctets(env, info[4], &isFull))
    return {};
  const size_t slots = arena.size / UdpSocket::kSlot;
  if (slots == 0 || lengths.size < offsets.size || addresses.size / kAddressRow < offsets.size || isFull.size == 0) {
    refuse(env, "the arena or a column is too small for the batch");
    return {};
  }
  if (!socket_.isOpen()) return Napi::Number::New(env, -EBADF);
  bool isDrained = true;
  const int rows =
      socket_.receive(arena.data, slots, {offsets.data, lengths.data, addresses.data, offsets.size}, &isDrained);
  isFull.data[0] = isDrained ? 0 : 1;
  return Napi::Number::New(env, rows);
}

// (buffers, offsets, lengths, addresses, count) → datagrams done with, in order.
Napi::Value Udp::sendBatch(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  View<int32_t> offsets, lengths;
  View<uint8_t> addresses;
  size_t count = 0;
  if (info.Length() != 5) {
    refuse(env, "five arguments were expected");
    return {};
  }
  if (!readSize(env, info[4], kMaxBatch, &count)) return {};

  // All elements first: reading one may run JavaScript, which ends the life of every view.
  buffers_.resize(count);
  for (size_t i = 0; i < count; i++) {
    if (napi_get_element(env, info[0], static_cast<uint32_t>(i), &buffers_[i]) != napi_ok) {
      refuse(env, "a buffer is missing");
      return {};
    }
  }
  if (!viewInt32(env, info[1], &offsets) || !viewInt32(env, info[2], &lengths) ||
      !viewOctets(env, info[3], &addresses))
    return {};
  if (offsets.size < count || lengths.size < count || addresses.size / kAddressRow < count) {
    refuse(env, "a column is shorter than the batch");
    return {};
  }
  datagrams_.resize(count);
  View<uint8_t> buffer;
  for (size_t i = 0; i < count; i++) {
    // Datagrams often share a buffer: comparing is cheaper than asking again.
    bool isSame = false;
    if (i > 0 && napi_strict_equals(env, buffers_[i], buffers_[i - 1], &isSame) != napi_ok) isSame = false;
    if (!isSame && !viewOctets(env, buffers_[i], &buffer)) return {};
    if (offsets.data[i] < 0 || lengths.data[i] < 0 ||
        !isWithin(static_cast<size_t>(offsets.data[i]), static_cast<size_t>(lengths.data[i]), buffer.size)) {
      refuse(env, "a datagram lies outside of its buffer");
      return {};
    }
    datagrams_[i] = {buffer.data + offsets.data[i], static_cast<size_t>(lengths.data[i])};
  }
  // Afterwards nothing leaves; the owner hears of it by its own close.
  if (!socket_.isOpen()) return Napi::Number::New(env, static_cast<double>(count));
  return Napi::Number::New(env, static_cast<double>(socket_.send(datagrams_.data(), addresses.data, count)));
}

// (octets, with what the kernel needs for them)
Napi::Value Udp::limitUnsent(const Napi::CallbackInfo& info) {
  size_t octets = 0;
  if (info.Length() != 1 || !readSize(info.Env(), info[0], INT32_MAX / 2, &octets)) return {};
  socket_.limitUnsent(static_cast<int>(octets));
  return info.Env().Undefined();
}

Napi::Value Udp::unsent(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), socket_.unsent()); }

Napi::Value Udp::close(const Napi::CallbackInfo& info) {
  if (readable_ != nullptr) {
    readable_->close();
    Unref();
  }
  socket_.close();
  return info.Env().Undefined();
}

}  // namespace ratatosk
