/** Who looks at a daemon: nobody, a dashboard in a terminal, subscribers. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Lab } from '../../test/support/lab.ts';
import type { TestNode } from '../../test/support/node.ts';
import { ratatoskMain, repoRoot } from '../../test/support/places.ts';
import { Terminal } from '../../test/support/tmux.ts';
import { waitFor } from '../../test/support/wait.ts';

export type Watch = {
  /** Of the dashboard. */
  readonly pid?: number;
  /** How long it took to draw, in ms, since the last call. */
  drawn(): number[];
  close(): Promise<void>;
};

export type Watcher = { readonly title: string; open(lab: Lab, hub: TestNode): Promise<Watch> };

const ALL_TOPICS = 'events,status,stats,peers,sessions,paths,tree,radio,firewall';
const SIZE = { width: 120, height: 40 };

export const nobody: Watcher = { title: 'nobody', open: async () => ({ drawn: () => [], close: async () => {} }) };

/** `key` chooses the view, which then says `shows`. */
export function dashboard(title: string, key: string): Watcher {
  return {
    title,
    open: async (lab, hub) => {
      const folder = join(lab.folder, `drawn-${performance.now()}`);
      mkdirSync(folder);
      const argv = [process.execPath, ratatoskMain, 'top', '--socket', hub.adminPath];
      const hook = join(repoRoot, 'dist/bench/look/draw-watch.js');
      const env = { NODE_OPTIONS: `--import=${hook}`, RTSK_BENCH_DRAWN: folder };
      const terminal = await Terminal.open(lab, argv, { ...SIZE, term: 'tmux-256color', env });
      await terminal.shows('q quit');
      await terminal.press(key);
      const name = await waitFor('the first picture', () => readdirSync(folder)[0]);
      let told = 0;
      const drawn = (): number[] => {
        const lines = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
        const fresh = lines.slice(told).map(Number);
        told = lines.length;
        return fresh;
      };
      return { pid: Number(name), drawn, close: () => terminal.close() };
    },
  };
}

export function subscribers(count: number): Watcher {
  return {
    title: `${count} subscribers`,
    open: async (_, hub) => {
      const sockets = await Promise.all(Array.from({ length: count }, () => subscribe(hub.adminPath)));
      return { drawn: () => [], close: async () => sockets.forEach((socket) => void socket.destroy()) };
    },
  };
}

function subscribe(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.on('error', reject);
    socket.write(JSON.stringify({ request: 'subscribe', arguments: { topics: ALL_TOPICS }, keepalive: true }));
    socket.once('data', () => resolve(socket));
    socket.resume();
  });
}
