/**
 * A TCP download through one link under random loss and delay: Yggdrasil over tcp, ratatosk over udp and tcp, with one
 * congestion control for every TCP socket.
 *
 *   loss.js [--seconds N] [--rounds N] [--loss PERCENT]… [--congestion NAME]… [--delay MS]
 *
 * Everything shares this machine's cores: figures without loss show the cores, not the links.
 */
import { parseArgs } from 'node:util';
import { Lab } from '../test/support/lab.ts';
import { type Lossy, lossyThroughput } from '../test/support/lossy.ts';
import { needs, needsMesh, needsTool } from '../test/support/needs.ts';
import { describeMachine } from './net/machine.ts';
import { short, summarise, table } from './net/statistics.ts';
import { yggdrasilDaemon } from './net/systems/mesh-system.ts';

type System = Pick<Lossy, 'kind' | 'scheme' | 'binary'>;

const SYSTEMS: readonly System[] = [
  { kind: 'yggdrasil', scheme: 'tcp', binary: yggdrasilDaemon() },
  { kind: 'ratatosk', scheme: 'udp' },
  { kind: 'ratatosk', scheme: 'tcp' },
];

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '1' },
    delay: { type: 'string', default: '20' },
    loss: { type: 'string', multiple: true, default: ['0', '1', '5', '10', '20'] },
    congestion: { type: 'string', multiple: true, default: ['cubic', 'bbr'] },
  },
});
await main();

async function main(): Promise<void> {
  const missing = needsMesh('yggdrasil', 'ratatosk') || needs(needsTool('iperf3', 'ss'));
  if (missing !== false) {
    process.stderr.write(`bench: ${missing}\n`);
    process.exitCode = 1;
    return;
  }
  for (const [name, value] of Object.entries(await describeMachine())) {
    process.stdout.write(`${name.padEnd(11)}${value}\n`);
  }
  for (const congestion of flags.congestion) process.stdout.write(await tableOf(congestion));
}

/** Medians in Mbit/s, and how often Yggdrasil's that is. */
async function tableOf(congestion: string): Promise<string> {
  const heads = SYSTEMS.map(({ kind, scheme }, i) =>
    i === 0 ? [`${kind} ${scheme}`] : [`${kind} ${scheme}`, 'ratio'],
  );
  const rows = [['loss', ...heads.flat()]];
  for (const percent of flags.loss) {
    const medians: number[] = [];
    for (const system of SYSTEMS) medians.push(await median(system, congestion, Number(percent) / 100));
    const cells = medians.flatMap((value, i) =>
      i === 0 ? [short(value)] : [short(value), short(value / (medians[0] ?? Number.NaN))],
    );
    rows.push([`${percent} %`, ...cells]);
  }
  return `\n${congestion}, ${flags.delay} ms each way, Mbit/s\n${table(rows)}`;
}

async function median(system: System, congestion: string, loss: number): Promise<number> {
  const samples: number[] = [];
  for (let round = 0; round < Number(flags.rounds); round++) {
    const { kind, scheme } = system;
    process.stderr.write(`${congestion}  ${loss * 100} %  ${kind} ${scheme}  round ${round + 1}\n`);
    const lab = new Lab();
    const circumstances = { loss, delayMs: Number(flags.delay), seed: round + 1, congestion };
    try {
      samples.push(await lossyThroughput(lab, { ...system, ...circumstances, seconds: Number(flags.seconds) }));
    } catch (error) {
      // Under heavy loss the tool itself may give up.
      process.stderr.write(`${error instanceof Error ? error.message.split('\n')[0] : error}\n`);
    } finally {
      await lab.close();
    }
  }
  return summarise(samples).median;
}
