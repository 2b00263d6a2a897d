import { findAddon, type LoadedAddon } from '../../native-bindings/addon.ts';
import { RatatoskError } from '../core/error.ts';
import type { BoxBatch, Crypto } from '../core/port.ts';
import { nativeBox } from './native.ts';
import { nodeCrypto } from './node.ts';
import { portableBox } from './portable.ts';
import { portableAead } from './portable-aead.ts';
import { boxProblem, cryptoProblem } from './selftest.ts';

export type ChosenCrypto = { crypto: Crypto; box: 'addon' | 'portable'; addonProblem?: string };

/**
 * The fastest implementation that works here, tried on known answers first. Without the addon everything still works,
 * slowly, and `addonProblem` says why. Throws if not even the parts of Node do what they should.
 */
export function chooseCrypto(found: LoadedAddon = findAddon()): ChosenCrypto {
  const publicKeys = nodeCrypto();
  const problem = cryptoProblem(publicKeys) ?? boxProblem(portableBox);
  if (problem !== undefined)
    throw new RatatoskError(
      'CRYPTO_SELF_TEST',
      `Cannot start: ${problem}. Is this Node built with an OpenSSL of its own?`,
    );

  if (found.addon === undefined) return portable(found.problem);
  const box: BoxBatch = nativeBox(found.addon);
  const addonProblem = boxProblem(box);
  if (addonProblem !== undefined) return portable(`the addon fails its self-test: ${addonProblem}`);
  return { crypto: { ...publicKeys, box, aead: portableAead }, box: 'addon' };

  function portable(reason: string): ChosenCrypto {
    return { crypto: { ...publicKeys, box: portableBox, aead: portableAead }, box: 'portable', addonProblem: reason };
  }
}
