#include "network_watch.h"

#include <cerrno>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "arguments.h"

namespace ratatosk {

namespace {

// Interfaces, addresses and routes.
constexpr uint32_t kNetworkGroups =
    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;

constexpr uint32_t kNftablesGroups = 1u << (NFNLGRP_NFTABLES - 1);

int openSocket(Descriptor* socket, bool isForNftables) {
  const int protocol = isForNftables ? NETLINK_NETFILTER : NETLINK_ROUTE;
  socket->take(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!socket->isOpen()) return -errno;
  sockaddr_nl own = {};
  own.nl_family = AF_NETLINK;
  own.nl_groups = isForNftables ? kNftablesGroups : kNetworkGroups;
  if (::bind(socket->number(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0) return 0;
  const int result = -errno;
  socket->close();
  return result;
}

}  // namespace

Napi::Function NetworkWatch::define(Napi::Env env) {
  return DefineClass(env, "NetworkWatch",
                     {
                         InstanceMethod<&NetworkWatch::start>("start"),
                         InstanceMethod<&NetworkWatch::read>("read"),
                         InstanceMethod<&NetworkWatch::close>("close"),
                     });
}

NetworkWatch::~NetworkWatch() {
  if (readable_ != nullptr) readable_->close();
}

// (onReadable, isForNftables) → 0 or an error.
Napi::Value NetworkWatch::start(const Napi::CallbackInfo& info) {
  if (info.Length() != 2 || !info[0].IsFunction() || !info[1].IsBoolean()) {
    refuse(info.Env(), "a function and a boolean were expected");
    return {};
  }
  if (socket_.isOpen()) return Napi::Number::New(info.Env(), -EALREADY);
  int result = openSocket(&socket_, info[1].As<Napi::Boolean>());
  if (result != 0) return Napi::Number::New(info.Env(), result);
  // While messages may come, this object must not be collected.
  if (Readable::start(info.Env(), socket_.number(), info[0].As<Napi::Function>(), &readable_, &result) != nullptr)
    Ref();
  else
    socket_.close();
  return Napi::Number::New(info.Env(), result);
}

// (buffer) → octets of the next datagram of messages, 0 if there is none. -ENOBUFS: some were lost.
Napi::Value NetworkWatch::read(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  View<uint8_t> buffer;
  if (info.Length() != 1 || !viewOctets(env, info[0], &buffer)) return {};
  if (!socket_.isOpen()) return Napi::Number::New(env, -EBADF);
  for (;;) {
    sockaddr_nl sender = {};
    socklen_t senderSize = sizeof sender;
    const ssize_t size = ::recvfrom(socket_.number(), buffer.data, buffer.size, 0,
                                    reinterpret_cast<sockaddr*>(&sender), &senderSize);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Napi::Number::New(env, errno == EAGAIN ? 0 : -errno);
    if (sender.nl_pid == 0) return Napi::Number::New(env, static_cast<double>(size));  // others do not speak for the kernel
  }
}

Napi::Value NetworkWatch::close(const Napi::CallbackInfo& info) {
  if (readable_ != nullptr) {
    readable_->close();
    Unref();
  }
  socket_.close();
  return info.Env().Undefined();
}

}  // namespace ratatosk
