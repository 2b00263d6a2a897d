import { findAddon, type LoadedAddon } from '../../native-bindings/addon.ts';
import { RatatoskError } from '../core/error.ts';
import type { AeadBatch, BoxBatch, Crypto } from '../core/port.ts';
import { nativeAead, nativeBox } from './native.ts';
import { nodeCrypto } from './node.ts';
import { nodeAead } from './node-aead.ts';
import { nodeX25519 } from './node-x25519.ts';
import { portableBox } from './portable.ts';
import { portableAead } from './portable-aead.ts';
import { portableX25519, type X25519 } from './portable-x25519.ts';
import { aeadProblem, boxProblem, cryptoProblem, x25519Problem } from './selftest.ts';

export type ChosenCrypto = {
  crypto: Crypto;
  box: 'addon' | 'portable';
  /** Why boxes, records or X25519 are slower than they could be. */
  addonProblem?: string;
  aeadProblem?: string;
  x25519Problem?: string;
};

/**
 * The fastest implementation that works here, tried on known answers first. Without the addon everything still works,
 * slowly, and `addonProblem` says why. Throws if not even the parts of Node do what they should.
 */
export function chooseCrypto(found: LoadedAddon = findAddon(), fastX25519: X25519 = nodeX25519): ChosenCrypto {
  const { curve, ...curveReason } = chooseX25519(fastX25519);
  const publicKeys = nodeCrypto(curve);
  const problem =
    x25519Problem(portableX25519) ?? cryptoProblem(publicKeys) ?? boxProblem(portableBox) ?? aeadProblem(portableAead);
  if (problem !== undefined)
    throw new RatatoskError(
      'CRYPTO_SELF_TEST',
      `Cannot start: ${problem}. Is this Node built with an OpenSSL of its own?`,
    );

  const { aead, ...aeadReason } = chooseAead(found);
  const reasons = { ...aeadReason, ...curveReason };
  if (found.addon === undefined) return portable(found.problem);
  const box: BoxBatch = nativeBox(found.addon);
  const addonProblem = boxProblem(box);
  if (addonProblem !== undefined) return portable(`the addon fails its self-test: ${addonProblem}`);
  return { crypto: { ...publicKeys, box, aead }, box: 'addon', ...reasons };

  function portable(reason: string): ChosenCrypto {
    return { crypto: { ...publicKeys, box: portableBox, aead }, box: 'portable', addonProblem: reason, ...reasons };
  }
}

/** That of `node:crypto`, or the portable one. */
function chooseX25519(fast: X25519): { curve: X25519; x25519Problem?: string } {
  const problem = x25519Problem(fast);
  return problem === undefined ? { curve: fast } : { curve: portableX25519, x25519Problem: problem };
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
