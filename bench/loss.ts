/**
 * A TCP download through one link under random loss and delay: Yggdrasil over tcp, ratatosk over udp and tcp, with one
 * congestion control for every TCP socket. Everything shares this machine's cores: figures without loss show the cores, not the links.
 */
import { Lab } from '../test/support/lab.ts';
import { type Lossy, lossyThroughput } from '../test/support/lossy.ts';
import { needs, needsMesh, needsTool } from '../test/support/needs.ts';
import { command, numberOf } from './command.ts';
import { describeMachine } from './net/machine.ts';
import { short, summarise, table } from './net/statistics.ts';
import { yggdrasilDaemon } from './net/systems/mesh-system.ts';

type System = Pick<Lossy, 'kind' | 'scheme' | 'binary'>;

const SYSTEMS: readonly System[] = [
  { kind: 'yggdrasil', scheme: 'tcp', binary: yggdrasilDaemon() },
  { kind: 'ratatosk', scheme: 'udp' },
  { kind: 'ratatosk', scheme: 'tcp' },
];

type Path = { seconds: number; rounds: number; delayMs: number; percents: number[] };

await command({
  usage: `bench:loss -- [--loss PERCENT]… [--congestion NAME]… …

TCP through links that lose packets, beside yggdrasil; needs root.
  --loss PERCENT      0 1 5 10 20 unless told
  --congestion NAME   of all TCP sockets; cubic and bbr unless told
  --delay MS          each way; 20 unless told
  --seconds N         of one transfer; 10 unless told
  --rounds N          1 unless told`,
  options: {
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '1' },
    delay: { type: 'string', default: '20' },
    loss: { type: 'string', multiple: true, default: ['0', '1', '5', '10', '20'] },
    congestion: { type: 'string', multiple: true, default: ['cubic', 'bbr'] },
  },
  words: [0, 0],
  main: ({ seconds, rounds, delay, loss, congestion }) =>
    main([...congestion], {
      seconds: numberOf('seconds', seconds, 1, 3_600),
      rounds: numberOf('rounds', rounds, 1, 1_000),
      delayMs: numberOf('delay', delay, 0, 10_000),
      percents: loss.map((percent) => numberOf('loss', percent, 0, 99)),
    }),
});

async function main(congestions: readonly string[], path: Path): Promise<void> {
  const missing = needsMesh('yggdrasil', 'ratatosk') || needs(needsTool('iperf3', 'ss'));
  if (missing !== false) throw new Error(missing);
  for (const [name, value] of Object.entries(await describeMachine())) {
    process.stdout.write(`${name.padEnd(11)}${value}\n`);
  }
  for (const congestion of congestions) process.stdout.write(await tableOf(congestion, path));
}

/** Medians in Mbit/s, and how often Yggdrasil's that is. */
async function tableOf(congestion: string, path: Path): Promise<string> {
  const heads = SYSTEMS.map(({ kind, scheme }, i) =>
    i === 0 ? [`${kind} ${scheme}`] : [`${kind} ${scheme}`, 'ratio'],
  );
  const rows = [['loss', ...heads.flat()]];
  for (const percent of path.percents) {
    const medians: number[] = [];
    for (const system of SYSTEMS) medians.push(await median(system, congestion, percent / 100, path));
    const cells = medians.flatMap((value, i) =>
      i === 0 ? [short(value)] : [short(value), short(value / (medians[0] ?? Number.NaN))],
    );
    rows.push([`${percent} %`, ...cells]);
  }
  return `\n${congestion}, ${path.delayMs} ms each way, Mbit/s\n${table(rows)}`;
}

async function median(system: System, congestion: string, loss: number, path: Path): Promise<number> {
  const { rounds, seconds, delayMs } = path;
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { kind, scheme } = system;
    process.stderr.write(`${congestion}  ${loss * 100} %  ${kind} ${scheme}  round ${round + 1}\n`);
    const lab = new Lab();
    const circumstances = { loss, delayMs, seed: round + 1, congestion };
    try {
      samples.push(await lossyThroughput(lab, { ...system, ...circumstances, seconds }));
    } catch (error) {
      // Under heavy loss the tool itself may give up.
      process.stderr.write(`${error instanceof Error ? error.message.split('\n')[0] : error}\n`);
    } finally {
      await lab.close();
    }
  }
  return summarise(samples).median;
}
