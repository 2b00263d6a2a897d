import { arch, availableParallelism, cpus } from 'node:os';
import { type Clocks, type Figure, measure, measurements } from './ceiling/measure.ts';
import { table } from './text.ts';
import { EXIT_DONE, type OptionValues, type Verb, wholeOption } from './verb.ts';

const SECONDS_BY_DEFAULT = 10;

export const verb: Verb = {
  usage: '[--seconds N] [--json]',
  help: `What this machine can do at most, for each second of one core: sealing and
opening with both ciphers, and the whole way of a packet through nodes in
memory, without kernel and wires. All nodes of a path share the core here; on
machines of their own each has one. A real link is slower by what its kernel and
its network take.

  --seconds N     for all together, 2 to 20 (default: ${SECONDS_BY_DEFAULT})
  --json          one JSON value; rates in octets and packets per second`,
  options: { seconds: { type: 'string' }, json: { type: 'boolean' } },
  words: [0, 0],
  run: bench,
};

const CLOCKS: Clocks = {
  wallMs: () => performance.now(),
  cpuMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

async function bench(options: OptionValues): Promise<number> {
  const seconds = wholeOption(options, 'seconds', 2, 20) ?? SECONDS_BY_DEFAULT;
  const { chooseCrypto } = await import('../crypto/choose.ts');
  const { crypto, slower } = chooseCrypto();
  const all = measurements(crypto);
  const isTold = process.stderr.isTTY === true;
  const figures = all.map((one, i) => {
    if (isTold) process.stderr.write(`\r\u001b[K${i + 1} of ${all.length}: ${one.what}, ${one.size} octets`);
    return measure(one, (1000 * seconds) / all.length, CLOCKS);
  });
  if (isTold) process.stderr.write('\r\u001b[K');
  const machine = {
    processor: cpus()[0]?.model.trim() ?? arch(),
    cores: availableParallelism(),
    node: process.version,
  };
  const ciphers = { boxes: crypto.box.name, records: crypto.aead.name, slower: [...slower] };
  const text =
    options.json === true
      ? JSON.stringify({ machine, ciphers, figures }, undefined, 2)
      : [
          `${machine.processor}, ${machine.cores} cores, Node ${machine.node.slice(1)}`,
          `Ciphers: Yggdrasil's by ${ciphers.boxes}, end-to-end by ${ciphers.records}`,
          ...slower.map((reason) => `Slower than it could be: ${reason}`),
          '',
          ...benchLines(figures),
        ].join('\n');
  process.stdout.write(`${text}\n`);
  return EXIT_DONE;
}

/** At most 80 columns each. */
export function benchLines(figures: readonly Figure[]): string[] {
  const rows = (group: Figure['group']): string[][] => {
    return figures
      .filter((figure) => figure.group === group)
      .map(({ what, size, rate, packets }) => [what, String(size), rateText(rate), thousandsText(packets)]);
  };
  const header = ['OCTETS', 'GBIT/S', '1000 PACKETS/S'];
  return [...table(['CIPHER', ...header], rows('ciphers')), '', ...table(['PATH', ...header], rows('path'))];
}

function rateText(octetsPerSecond: number): string {
  return threeDigits((8 * octetsPerSecond) / 1e9);
}

function thousandsText(perSecond: number): string {
  return threeDigits(perSecond / 1000);
}

function threeDigits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
