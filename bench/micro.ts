/** Hot paths one by one. */
import { run } from 'mitata';
import { chooseCrypto } from '../daemon/crypto/choose.ts';
import { command } from './command.ts';
import { ciphers } from './micro/ciphers.ts';
import { codecs } from './micro/codecs.ts';
import { compression } from './micro/compression.ts';
import { hops } from './micro/hops.ts';
import { packets } from './micro/packets.ts';
import { parts } from './micro/parts.ts';

await command({
  usage: `bench -- [TEXT]

Hot paths one by one; TEXT picks the benchmarks whose name holds it.`,
  options: {},
  words: [0, 1],
  main: async (_, [text = '']) => {
    const { crypto } = chooseCrypto();
    process.stdout.write(`boxes by ${crypto.box.name}; records by ${crypto.aead.name}\n`);
    packets(crypto);
    ciphers(crypto);
    codecs();
    compression();
    hops();
    parts(crypto);
    await run({ filter: new RegExp(text.replace(/[^\w ]/g, '\\$&')) });
  },
});
