import { stream } from '@stablelib/salsa20';

/** Where HSalsa20 takes its output from the 16 words of a Salsa20 block. */
const TAKEN = [0, 5, 10, 15, 6, 7, 8, 9];
/** The constants in words 0, 5, 10 and 15 of the input; words 6 to 9 are the nonce. */
const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];

/**
 * HSalsa20(key, sixteen zero octets): the only form the protocol needs. A Salsa20 block is the rounds' result plus the
 * input; taking the input off leaves HSalsa20, so that the library's block function serves for both.
 */
export function hsalsa20OfZero(key: Uint8Array): Uint8Array {
  const block = stream(key, new Uint8Array(8), new Uint8Array(64));
  const words = new DataView(block.buffer, block.byteOffset);
  const result = new Uint8Array(32);
  const output = new DataView(result.buffer);
  TAKEN.forEach((word, i) => {
    output.setUint32(4 * i, words.getUint32(4 * word, true) - (SIGMA[i] ?? 0), true);
  });
  block.fill(0);
  return result;
}
