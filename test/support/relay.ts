/**
 * A cable that loses and delays packets, whatever they carry: two TUNs, joined by a process in a namespace of its own.
 */
import type { Lab } from './lab.ts';
import { type Cable, type Netns, plugIn } from './netns.ts';
import { supportScript } from './places.ts';
import { mustRun } from './process.ts';

export type RelayOptions = {
  /** 0..1, each way. */
  readonly loss: number;
  /** Each way. */
  readonly delayMs: number;
  readonly seed: number;
};

/** A queue of the interface for what the relay has not read yet. */
const QUEUE_PACKETS = 2_000;

/** Joins two namespaces as `layCable` does. */
export async function layRelay(lab: Lab, a: Netns, b: Netns, index: number, options: RelayOptions): Promise<Cable> {
  const middle = await lab.netns(`relay${index}`);
  const device = `cable${index}`;
  const names = ['left', 'right'] as const;
  const numbers = [options.loss, options.delayMs, options.seed].map(String);
  const line = [process.execPath, supportScript('relay-tool.js'), ...names, ...numbers];
  await lab.adopt(middle.start(line)).says('ready');
  for (const [i, netns] of [a, b].entries()) {
    const move = ['link', 'set', names[i] ?? '', 'netns', netns.name, 'name', device];
    await mustRun(['ip', '-n', middle.name, ...move]);
    await mustRun(['ip', '-n', netns.name, 'link', 'set', device, 'txqueuelen', String(QUEUE_PACKETS)]);
  }
  return plugIn(a, b, device, index);
}
