import { findAddon, type LoadedAddon } from '../../native-bindings/addon.ts';
import { RatatoskError } from '../core/error.ts';
import type { AeadBatch, BoxBatch, Crypto } from '../core/port.ts';
import { nativeAead, nativeBox } from './native.ts';
import { nodeCrypto } from './node.ts';
import { nodeAead } from './node-aead.ts';
import { portableBox } from './portable.ts';
import { portableAead } from './portable-aead.ts';
import { aeadProblem, boxProblem, cryptoProblem } from './selftest.ts';

export type ChosenCrypto = {
  crypto: Crypto;
  box: 'addon' | 'portable';
  /** Why boxes, or records, are slower than they could be. */
  addonProblem?: string;
  aeadProblem?: string;
};

/**
 * The fastest implementation that works here, tried on known answers first. Without the addon everything still works,
 * slowly, and `addonProblem` says why. Throws if not even the parts of Node do what they should.
 */
export function chooseCrypto(found: LoadedAddon = findAddon()): ChosenCrypto {
  const publicKeys = nodeCrypto();
  const problem = cryptoProblem(publicKeys) ?? boxProblem(portableBox) ?? aeadProblem(portableAead);
  if (problem !== undefined)
    throw new RatatoskError(
      'CRYPTO_SELF_TEST',
      `Cannot start: ${problem}. Is this Node built with an OpenSSL of its own?`,
    );

  const { aead, ...aeadReason } = chooseAead(found);
  if (found.addon === undefined) return portable(found.problem);
  const box: BoxBatch = nativeBox(found.addon);
  const addonProblem = boxProblem(box);
  if (addonProblem !== undefined) return portable(`the addon fails its self-test: ${addonProblem}`);
  return { crypto: { ...publicKeys, box, aead }, box: 'addon', ...aeadReason };

  function portable(reason: string): ChosenCrypto {
    return { crypto: { ...publicKeys, box: portableBox, aead }, box: 'portable', addonProblem: reason, ...aeadReason };
  }
}

/** The addon's, that of `node:crypto`, or the portable one, which has passed its test already. */
function chooseAead({ addon, problem }: LoadedAddon): { aead: AeadBatch; aeadProblem?: string } {
  const native = addon && nativeAead(addon);
  const missing = problem ?? 'this process exports no ChaCha20-Poly1305 of OpenSSL';
  const nativeProblem = native === undefined ? missing : aeadProblem(native);
  if (native !== undefined && nativeProblem === undefined) return { aead: native };
  const nodeProblem = aeadProblem(nodeAead);
  const aead = nodeProblem === undefined ? nodeAead : portableAead;
  return { aead, aeadProblem: [nativeProblem, nodeProblem].filter((reason) => reason !== undefined).join('; ') };
}
