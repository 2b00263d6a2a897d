"""Raw IPv6 and ICMPv6 from the system's sockets, which Node does not offer. Runs as root in a test's namespace.

  packets.py ping ADDRESS COUNT INTERVAL_S SIZE LIMIT_S   "ready", a JSON object when done; SIGINT ends it early
  packets.py echo ADDRESS                                 sends raw packets back to where they came from
  packets.py sizes ADDRESS SIZE...                        a packet of each size, exact octets expected back

SIZE is that of the whole IPv6 packet, 48 at least for ping and 40 for sizes; FROM:TO:STEP gives a range.
"""
import json
import os
import signal
import socket
import struct
import sys
import time

# RFC 3692: for experiments, so that no kernel answers by itself.
PROTOCOL = 253
HEADER = 40
ICMP_HEADER = 8
ICMP6_FILTER = 1
ECHO_REQUEST, ECHO_REPLY = 128, 129
SO_TIMESTAMPNS = 35


def raw_socket(protocol):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, protocol)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, 8 << 20)
    return sock


def ping(address, count, interval, size, limit):
    sock = raw_socket(socket.IPPROTO_ICMPV6)
    only_replies = bytearray(b"\xff" * 32)
    # Words of the filter are in host order; a set bit blocks.
    words = list(struct.unpack("=8I", only_replies))
    words[ECHO_REPLY >> 5] &= ~(1 << (ECHO_REPLY & 31)) & 0xFFFFFFFF
    sock.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, struct.pack("=8I", *words))
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    # Not connected: the ping may begin before there is a route.
    wanted = socket.inet_pton(socket.AF_INET6, address)
    ident = os.getpid() & 0xFFFF
    filler = bytes(i & 0xFF for i in range(max(0, size - HEADER - ICMP_HEADER)))
    sent_at, got_at, stop = [], {}, []
    signal.signal(signal.SIGINT, lambda *_: stop.append(1))
    print("ready", flush=True)

    def receive_until(deadline):
        while not stop and len(got_at) < len(sent_at):
            rest = deadline - time.monotonic()
            if rest <= 0:
                return
            sock.settimeout(rest)
            try:
                data, extra, _, source = sock.recvmsg(size + 64, 64)
            except TimeoutError:
                return
            except OSError:
                continue
            if len(data) < 8 or socket.inet_pton(socket.AF_INET6, source[0].split("%")[0]) != wanted:
                continue
            if struct.unpack_from("!H", data, 4)[0] != ident or data[8:] != filler:
                continue
            sequence = struct.unpack_from("!H", data, 6)[0]
            seconds, nanos = struct.unpack("=qq", extra[0][2][:16])
            number = len(sent_at) - 1 - ((len(sent_at) - 1 - sequence) & 0xFFFF)
            if number >= 0:
                got_at.setdefault(number, seconds + nanos / 1e9)

    begin = time.monotonic()
    for number in range(count):
        if stop:
            break
        message = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, ident, number & 0xFFFF) + filler
        sent_at.append(time.time())
        try:
            sock.sendto(message, (address, 0))
        except OSError:
            pass  # no route while the daemon starts: counts as lost
        next_at = begin + (number + 1) * interval
        receive_until(next_at if number + 1 < count else time.monotonic() + limit)
        rest = next_at - time.monotonic()
        if rest > 0 and number + 1 < count and not stop:
            time.sleep(rest)
    if stop:
        # What was asked last is still on its way when the signal comes.
        stop.clear()
        receive_until(time.monotonic() + limit)
    first = sent_at[0] if sent_at else 0
    answers = [
        {"atMs": (sent_at[n] - first) * 1e3, "rttMs": (got_at[n] - sent_at[n]) * 1e3} for n in sorted(got_at)
    ]
    print(json.dumps({"sent": len(sent_at), "received": len(got_at), "answers": answers}), flush=True)


def echo(address):
    sock = raw_socket(PROTOCOL)
    sock.bind((address, 0))
    print("ready", flush=True)
    while True:
        data, source = sock.recvfrom(1 << 16)
        sock.sendto(data, (source[0], 0))


def sizes(address, wanted):
    sock = raw_socket(PROTOCOL)
    sock.connect((address, 0))
    pattern = os.urandom(1 << 16)
    repeated, lost = [], []
    for size in wanted:
        # Every packet starts elsewhere in the pattern: an answer to another packet cannot pass for this one.
        body = (pattern[size % 977:] + pattern)[: size - HEADER]
        for attempt in range(3):
            sock.send(body)
            if answered(sock, body, time.monotonic() + 1.0):
                break
            (repeated if attempt < 2 else lost).append(size)
    print(json.dumps({"sizes": len(wanted), "repeated": repeated, "lost": lost}), flush=True)


def answered(sock, body, deadline):
    while True:
        rest = deadline - time.monotonic()
        if rest <= 0:
            return False
        sock.settimeout(rest)
        try:
            if sock.recv(1 << 16) == body:
                return True
        except TimeoutError:
            return False


def ranges(texts):
    found = set()
    for text in texts:
        first, last, step = (text.split(":") + [None, None])[:3]
        found.update(range(int(first), int(last or first) + 1, int(step or 1)))
    return sorted(found)


def main():
    verb, address, *rest = sys.argv[1:]
    if verb == "ping":
        ping(address, int(rest[0]), float(rest[1]), int(rest[2]), float(rest[3]))
    elif verb == "echo":
        echo(address)
    elif verb == "sizes":
        sizes(address, ranges(rest))
    else:
        sys.exit(__doc__)


main()
