"""The other side of Noise handshakes, by an implementation that is not ours: Debian's python3-dissononce.

Reads a JSON object a line and answers each with one; octets are hex. A "start" begins a handshake, in place of one that
runs: `pattern` (IKpsk1, KKpsk0), `isInitiator`, `prologue`, `psk`, `private`, `remote` (null: to be read), `payload`. The
initiator answers with its `message`. A "message" is read; the answer holds its `payload`, the responder's own `message`,
`remote`, and when the handshake is complete `hash` and `sealed`: "record" under the key it sends with and the associated
data "head". A "sealed" of the other side is answered with its `text`.
"""
import json
import sys

from dissononce.cipher.chachapoly import ChaChaPolyCipher
from dissononce.dh.x25519.private import PrivateKey
from dissononce.dh.x25519.public import PublicKey
from dissononce.dh.x25519.x25519 import X25519DH
from dissononce.hash.sha256 import SHA256Hash
from dissononce.processing.handshakepatterns.interactive.IK import IKHandshakePattern
from dissononce.processing.handshakepatterns.interactive.KK import KKHandshakePattern
from dissononce.processing.impl.cipherstate import CipherState
from dissononce.processing.impl.handshakestate import HandshakeState
from dissononce.processing.impl.symmetricstate import SymmetricState
from dissononce.processing.modifiers.psk import PSKPatternModifier

PATTERNS = {
    "IKpsk1": PSKPatternModifier(1).modify(IKHandshakePattern()),
    "KKpsk0": PSKPatternModifier(0).modify(KKHandshakePattern()),
}


class Side:
    def __init__(self, start):
        dh = X25519DH()
        self.is_initiator = start["isInitiator"]
        self.payload = bytes.fromhex(start["payload"])
        self.state = HandshakeState(SymmetricState(CipherState(ChaChaPolyCipher()), SHA256Hash()), dh)
        remote = start["remote"]
        self.state.initialize(
            PATTERNS[start["pattern"]],
            self.is_initiator,
            bytes.fromhex(start["prologue"]),
            s=dh.generate_keypair(PrivateKey(bytes.fromhex(start["private"]))),
            rs=None if remote is None else PublicKey(bytes.fromhex(remote)),
            psks=[bytes.fromhex(start["psk"])],
        )

    def write(self):
        buffer = bytearray()
        self.split(self.state.write_message(self.payload, buffer))
        return buffer.hex()

    def read(self, message):
        buffer = bytearray()
        self.split(self.state.read_message(message, buffer))
        answer = {"payload": buffer.hex(), "remote": self.state.rs.data.hex()}
        if not self.is_initiator:
            answer["message"] = self.write()
        answer["hash"] = self.state.symmetricstate.get_handshake_hash().hex()
        answer["sealed"] = self.sending.encrypt_with_ad(b"head", b"record").hex()
        return answer

    def split(self, ciphers):
        if ciphers is not None:
            first, second = ciphers
            self.sending, self.receiving = (first, second) if self.is_initiator else (second, first)


def main():
    side = None
    for line in sys.stdin:
        asked = json.loads(line)
        if "start" in asked:
            side = Side(asked["start"])
            answer = {"message": side.write()} if side.is_initiator else {}
        elif "message" in asked:
            answer = side.read(bytes.fromhex(asked["message"]))
        else:
            answer = {"text": side.receiving.decrypt_with_ad(b"head", bytes.fromhex(asked["sealed"])).hex()}
        print(json.dumps(answer), flush=True)


main()
