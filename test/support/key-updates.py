"""A TLS client that sends nothing but KeyUpdate messages and reads no answer, by the system's OpenSSL.

Argument: the port on 127.0.0.1. Prints how many it has sent when the other side ends the connection; status 77 if there
is no OpenSSL to load.
"""
import ctypes
import socket
import sys

UPDATE_REQUESTED = 1

try:
    ssl = ctypes.CDLL("libssl.so.3")
except OSError:
    sys.exit(77)
for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
    getattr(ssl, name).restype = ctypes.c_void_p
for name in ("SSL_CTX_new", "SSL_new", "SSL_connect", "SSL_do_handshake"):
    getattr(ssl, name).argtypes = [ctypes.c_void_p]
for name in ("SSL_set_fd", "SSL_key_update"):
    getattr(ssl, name).argtypes = [ctypes.c_void_p, ctypes.c_int]

connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
client = ssl.SSL_new(ssl.SSL_CTX_new(ssl.TLS_client_method()))
ssl.SSL_set_fd(client, connection.fileno())
if ssl.SSL_connect(client) != 1:
    sys.exit("no handshake")
sent = 0
while ssl.SSL_key_update(client, UPDATE_REQUESTED) == 1 and ssl.SSL_do_handshake(client) == 1:
    sent += 1
print(sent)
