"""UDP in bursts that the kernel or the TUN's owner cuts (UDP_SEGMENT), which Node does not offer.

  gso.py send ADDRESS PORT SIZE BURSTS      SIZE octets a datagram, 20 datagrams a burst
  gso.py receive ADDRESS PORT SIZE BURSTS   "ready", then a JSON object: datagrams that came as they were sent
"""
import json
import socket
import sys
import time

UDP_SEGMENT = 103
IN_BURST = 20
QUIET_S = 3


def datagram(size, number):
    return number.to_bytes(4, 'big') + bytes((number + i) & 0xff for i in range(size - 4))


def send(address, port, size, bursts):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
    sock.connect((address, port))
    for burst in range(bursts):
        sock.send(b''.join(datagram(size, burst * IN_BURST + i) for i in range(IN_BURST)))
        # A burst is as much as a queue on the way may hold.
        time.sleep(0.01)


def receive(address, port, size, bursts):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    sock.bind((address, port))
    print('ready', flush=True)
    wanted = {datagram(size, number) for number in range(bursts * IN_BURST)}
    came = 0
    sock.settimeout(20)
    try:
        while wanted:
            octets = sock.recv(65536)
            came += 1
            wanted.discard(octets)
            sock.settimeout(QUIET_S)
    except TimeoutError:
        pass
    print(json.dumps({'came': came, 'missing': len(wanted)}), flush=True)


if __name__ == '__main__':
    act, address, port, size, bursts = sys.argv[1:]
    {'send': send, 'receive': receive}[act](address, int(port), int(size), int(bursts))
