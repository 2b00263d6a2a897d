/**
 * Everything a test makes on the machine, removed when the test ends, also when it fails; a failure prints what the
 * daemons have to say.
 */
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Cable, layCable, Netns } from './netns.ts';
import { type NodeSpec, TestNode } from './node.ts';
import type { Running } from './process.ts';
import { layRelay, type RelayOptions } from './relay.ts';

const NOBODY_ID = 65534;
const FOLDER_PREFIX = 'rtsk-';

export class Lab {
  readonly folder: string;
  readonly nodes: TestNode[] = [];
  readonly #namespaces: Netns[] = [];
  readonly #processes: Running[] = [];
  readonly #endings: (() => Promise<void>)[] = [];
  #cables = 0;

  constructor() {
    removeLeftovers();
    this.folder = mkdtempSync(join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-`));
    openFolders.add(this.folder);
    // The folder holds a socket of a daemon without rights; what is secret in it has its own mode.
    chmodSync(this.folder, 0o711);
  }

  async netns(label: string): Promise<Netns> {
    const netns = await Netns.make(label);
    this.#namespaces.push(netns);
    return netns;
  }

  cable(a: Netns, b: Netns): Promise<Cable> {
    return layCable(a, b, this.#cables++);
  }

  /** A cable that loses and delays packets. */
  relay(a: Netns, b: Netns, options: RelayOptions): Promise<Cable> {
    return layRelay(this, a, b, this.#cables++, options);
  }

  /** A node that is not started yet. */
  node(label: string, spec: NodeSpec): TestNode {
    const folder = join(this.folder, `${this.nodes.length}-${label}`);
    mkdirSync(folder, { mode: 0o700 });
    const node = new TestNode(label, folder, spec);
    if (spec.isUnprivileged === true) {
      chownSync(folder, NOBODY_ID, NOBODY_ID);
      chownSync(node.configPath, NOBODY_ID, NOBODY_ID);
    }
    this.nodes.push(node);
    return node;
  }

  /** Ends the process with the lab. */
  adopt(running: Running): Running {
    this.#processes.push(running);
    return running;
  }

  /** Done with the lab, before all else. */
  onClose(end: () => Promise<void>): void {
    this.#endings.push(end);
  }

  async account(): Promise<string> {
    return (await Promise.all(this.nodes.map((node) => node.account()))).join('\n');
  }

  async close(): Promise<void> {
    await Promise.all(this.#endings.map((end) => end()));
    await Promise.all(this.#processes.map((running) => running.stop('SIGKILL')));
    await Promise.all(this.nodes.map((node) => node.terminate()));
    await Promise.all(this.#namespaces.map((netns) => netns.remove()));
    removeFolder(this.folder);
  }
}

/** The body of a test that gets a lab of its own. */
export function withLab(body: (lab: Lab, t: TestContext) => Promise<void>): (t: TestContext) => Promise<void> {
  return async (t) => {
    const lab = new Lab();
    try {
      await body(lab, t);
    } catch (error) {
      for (const line of (await lab.account()).split('\n')) t.diagnostic(line);
      throw error;
    } finally {
      await lab.close();
    }
  };
}

const openFolders = new Set<string>();
process.on('exit', () => {
  for (const folder of openFolders) removeFolder(folder);
});

/** Folders of runs that were killed. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${FOLDER_PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeFolder(join(tmpdir(), name));
  }
}

function removeFolder(folder: string): void {
  openFolders.delete(folder);
  rmSync(folder, { recursive: true, force: true });
}
