import { findAddon, type LoadedAddon } from '../../native-bindings/addon.ts';
import { RatatoskError } from '../core/error.ts';
import type { AeadBatch, BoxBatch, Crypto, MacSigner } from '../core/port.ts';
import { nativeAead, nativeBox, nativeMacs } from './native.ts';
import { nodeCrypto, nodeMacs } from './node.ts';
import { nodeAead } from './node-aead.ts';
import { nodeX25519 } from './node-x25519.ts';
import { portableBox } from './portable.ts';
import { portableAead } from './portable-aead.ts';
import { portableX25519, type X25519 } from './portable-x25519.ts';
import { aeadProblem, boxProblem, cryptoProblem, macsProblem, x25519Problem } from './selftest.ts';

export type ChosenCrypto = {
  readonly crypto: Crypto;
  /** Why parts of it are slower than they could be; empty: they are not. */
  readonly slower: readonly string[];
};

type Choice<T> = { readonly chosen: T; readonly reason?: string | undefined };

/**
 * The fastest implementation that works here, tried on known answers first. Without the addon everything still works,
 * slowly, and `slower` says why. Throws if not even the parts of Node do what they should.
 */
export function chooseCrypto(found: LoadedAddon = findAddon(), fastX25519: X25519 = nodeX25519): ChosenCrypto {
  const curve = chooseX25519(fastX25519);
  const parts = nodeCrypto(curve.chosen);
  const [box, macs, aead] = [chooseBox(found), chooseMacs(found), chooseAead(found)];
  // What was fallen back to has not been tried yet.
  const problem =
    x25519Problem(curve.chosen) ?? cryptoProblem(parts) ?? boxProblem(box.chosen) ?? aeadProblem(aead.chosen);
  if (problem !== undefined)
    throw new RatatoskError(
      'CRYPTO_SELF_TEST',
      `Cannot start: ${problem}. Is this Node built with an OpenSSL of its own?`,
    );
  const reasons = [curve, box, macs, aead].flatMap(({ reason }) => reason ?? []);
  return {
    crypto: { ...parts, box: box.chosen, macs: macs.chosen, aead: aead.chosen },
    slower: [...new Set(reasons)],
  };
}

/** That of `node:crypto`, or the portable one. */
function chooseX25519(fast: X25519): Choice<X25519> {
  const reason = x25519Problem(fast);
  return reason === undefined ? { chosen: fast } : { chosen: portableX25519, reason };
}

function chooseBox({ addon, problem }: LoadedAddon): Choice<BoxBatch> {
  if (addon === undefined) return { chosen: portableBox, reason: problem };
  const native = nativeBox(addon);
  const reason = boxProblem(native);
  return reason === undefined ? { chosen: native } : { chosen: portableBox, reason };
}

function chooseMacs({ addon, problem }: LoadedAddon): Choice<MacSigner> {
  if (addon === undefined) return { chosen: nodeMacs, reason: problem };
  const native = nativeMacs(addon);
  const reason = macsProblem(native);
  return reason === undefined ? { chosen: native } : { chosen: nodeMacs, reason };
}

/** The addon's, that of `node:crypto`, or the portable one. */
function chooseAead({ addon, problem }: LoadedAddon): Choice<AeadBatch> {
  const native = addon && nativeAead(addon);
  const reason = native === undefined ? problem : aeadProblem(native);
  if (native !== undefined && reason === undefined) return { chosen: native };
  const nodeProblem = aeadProblem(nodeAead);
  if (nodeProblem === undefined) return { chosen: nodeAead, reason };
  return { chosen: portableAead, reason: [reason, nodeProblem].join('; ') };
}
