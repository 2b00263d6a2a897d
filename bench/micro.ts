/** Hot paths one by one. `npm run bench`; a word after `--` picks the benchmarks whose name contains it. */
import { run } from 'mitata';
import { chooseCrypto } from '../daemon/crypto/choose.ts';
import { ciphers } from './micro/ciphers.ts';
import { codecs } from './micro/codecs.ts';
import { compression } from './micro/compression.ts';
import { hops } from './micro/hops.ts';
import { packets } from './micro/packets.ts';
import { parts } from './micro/parts.ts';

const { crypto } = chooseCrypto();
process.stdout.write(`boxes by ${crypto.box.name}; records by ${crypto.aead.name}\n`);

packets(crypto);
ciphers(crypto);
codecs();
compression();
hops();
parts(crypto);

await run({ filter: new RegExp(process.argv[2] ?? '') });
