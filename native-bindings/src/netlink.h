// The two things a TUN needs from rtnetlink. Each call opens a socket, asks and waits for the kernel's answer: they
// run a few times in the life of a process. Both answer 0 or a negative errno.
#pragma once

#include <cstdint>

namespace ratatosk {

// Sets the MTU, adds the IPv6 address and brings the interface up. What is already so stays so.
int configureInterface(const char* name, const uint8_t (&address)[16], uint8_t prefixLength, uint32_t mtu);

// A route of `prefix` to the interface, in the main table.
int addRoute(const char* name, const uint8_t (&prefix)[16], uint8_t prefixLength);

}  // namespace ratatosk
