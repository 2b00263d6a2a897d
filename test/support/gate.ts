/**
 * A way into a namespace for the test process: a UNIX socket that leads to a TCP port inside.
 */
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import type { Netns } from './netns.ts';
import { supportScript } from './places.ts';

/** Gives the path of the socket. */
export async function openGate(lab: Lab, netns: Netns, host: string, port: number): Promise<string> {
  const path = join(lab.folder, `gate-${port}.sock`);
  const line = [process.execPath, supportScript('gate-tool.js'), path, host, String(port)];
  await lab.adopt(netns.start(line)).says('ready');
  return path;
}
