/** What an operator may call another node: its address, its public key, or a name from `Names`. */
import { RatatoskError } from '../core/error.ts';
import { parseAddress } from './address.ts';

const KEY_HEX = /^[0-9a-fA-F]{64}$/;

/** 16 octets. */
export function findTarget(
  target: string,
  names: Readonly<Record<string, string>>,
  addressOf: (key: Uint8Array) => Uint8Array,
): Uint8Array {
  const meant = nameOwn(names, target) ?? target;
  const octets = KEY_HEX.test(meant) ? addressOf(Buffer.from(meant, 'hex')) : parseAddress(meant);
  if (octets === undefined) {
    const known = Object.keys(names).length === 0 ? 'Names is empty' : `Names has ${Object.keys(names).join(', ')}`;
    const expected = 'neither an address, nor a key of 64 hex digits, nor a known name';
    throw new RatatoskError('TARGET_UNKNOWN', `${JSON.stringify(target)} is ${expected} (${known})`);
  }
  // 0200::/8 are nodes, 0300::/8 their subnets.
  if (octets[0] !== 2 && octets[0] !== 3) {
    throw new RatatoskError(
      'TARGET_UNKNOWN',
      `${meant} is no address of the mesh: those begin with 2 or 3, as in 200:…`,
    );
  }
  return octets;
}

function nameOwn(names: Readonly<Record<string, string>>, target: string): string | undefined {
  return Object.entries(names).find(([name]) => name.toLowerCase() === target.toLowerCase())?.[1];
}
