/** What a password of datagram links stands for (link document, section 1). */
import { scrypt } from 'node:crypto';
import type { LinkOptions } from './link.ts';

export const PSK_LENGTH = 32;
const SALT = 'ratatosk psk v1';
/** 32 MiB and about 0.1 s: what a guess costs, too. */
const COST = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

/** Stretching happens on a thread of its own; links of the same options share the result. */
export function pskOf(options: LinkOptions): Promise<Uint8Array> {
  const known = stretched.get(options);
  if (known !== undefined) return known;
  const psk = options.psk === undefined ? stretch(options.password) : Promise.resolve(options.psk);
  stretched.set(options, psk);
  return psk;
}

const stretched = new WeakMap<LinkOptions, Promise<Uint8Array>>();

function stretch(password: Uint8Array): Promise<Uint8Array> {
  if (password.length === 0) return Promise.resolve(new Uint8Array(PSK_LENGTH));
  return new Promise((resolve, reject) => {
    scrypt(password, SALT, PSK_LENGTH, COST, (error, psk) => {
      if (error === null) resolve(Uint8Array.from(psk));
      else reject(error);
    });
  });
}
