import { NOISE_AT } from '../../../wire/link-packets.ts';

const LABEL = Uint8Array.from('ratatosk link v1\0', (letter) => letter.charCodeAt(0));

/** What both sides of a handshake agree on beforehand: the responder's full identity, type and index of the INIT. */
export function prologueOf(responder: Uint8Array, init: Uint8Array): Uint8Array {
  const octets = new Uint8Array(LABEL.length + responder.length + NOISE_AT);
  octets.set(LABEL);
  octets.set(responder, LABEL.length);
  octets.set(init.subarray(0, NOISE_AT), LABEL.length + responder.length);
  return octets;
}
