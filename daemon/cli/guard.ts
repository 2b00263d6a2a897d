/** The firewall in the life of a daemon: what the log says of it, and when it is looked after. */
import { RatatoskError } from '../core/error.ts';
import { addressForKey } from '../core/identity.ts';
import type { FirewallAnswer, FirewallState } from '../host/answers.ts';
import { Firewall } from '../host/firewall.ts';
import { ruleStore } from '../host/kept-rules.ts';
import type { Log } from '../host/log.ts';
import { nft } from '../host/nft.ts';
import { watchTables } from '../host/nft-watch.ts';
import { defaultPlaces } from '../host/places.ts';
import { RefusalWatch } from '../host/refusal-watch.ts';
import type { Config } from '../host/schema.ts';
import { firewallPolicy } from '../host/settings.ts';

/** How often the firewall's table is looked for: others may flush all tables. */
const LOOK_MS = 10_000;

export function openGuard(log: Log, config: Config, publicKey: Uint8Array): Guard {
  const store = ruleStore(defaultPlaces().stateFolder, publicKey);
  const firewall = new Firewall({ publicKey, addressOf: addressForKey, store, nft }, firewallPolicy(config));
  return new Guard(log, firewall, config);
}

export class Guard {
  readonly #log: Log;
  readonly #firewall: Firewall;
  #config: Config;
  #reported: string | undefined;
  #watch: { close(): void } | undefined;
  readonly #refusals = new RefusalWatch();
  #delivered = 0;
  /** At the last look. */
  #refused: number | undefined;

  constructor(log: Log, firewall: Firewall, config: Config) {
    this.#log = log;
    this.#firewall = firewall;
    this.#config = config;
  }

  /** Writes the first line of the log, if it will be true: who comes from a daemon without a firewall must know of it. */
  prepare(): void {
    const { IfName, Firewall: wanted } = this.#config;
    if (IfName === 'none' || IfName === 'dummy') return;
    if (wanted.Inbound === 'deny' && this.#firewall.canClose()) this.#log.info(CLOSED, {}, 'firewall');
    this.#attempt(() => this.#firewall.load());
  }

  /** Before the interface has an address. */
  close(interfaceName: string): void {
    const isOpen = this.#config.Firewall.Inbound === 'allow';
    if (isOpen) this.#log.warn(`firewall: off (Firewall.Inbound is "allow"): ${EXPOSED}`, {}, 'firewall');
    this.#attempt(() => this.#firewall.guard(interfaceName));
  }

  /** One line for each change. */
  reload(config: Config): string[] {
    const before = JSON.stringify(firewallPolicy(this.#config));
    this.#config = config;
    const policy = firewallPolicy(config);
    this.#attempt(() => this.#firewall.use(policy));
    if (JSON.stringify(policy) === before) return [];
    return ['Firewall or Names have changed: `ratatosk firewall show` tells what is open'];
  }

  /** From now on: when tables go, and now and then, for what failed. */
  lookAfter(): void {
    setInterval(() => this.look(), LOOK_MS).unref();
    this.#watch = watchTables(() => this.look());
  }

  look(): void {
    const wasOpen = this.#firewall.problem !== undefined;
    this.#attempt(() => {
      if (this.#firewall.look())
        this.#log.warn('firewall: its table was gone, as after `nft flush ruleset`; it is back', {}, 'firewall');
    });
    if (wasOpen && this.#firewall.problem === undefined)
      this.#log.info('firewall: inbound connections are closed now', {}, 'firewall');
  }

  /**
   * Events, but no lines of the log: any node of the mesh can cause them. `delivered`: packets that the interface was given so
   * far; without new ones none was refused, and nobody has to be asked.
   */
  lookForRefusals(delivered: number): void {
    if (delivered === this.#delivered) return;
    this.#delivered = delivered;
    const total = this.#firewall.refused();
    this.#refused = total;
    if (total === undefined) return;
    for (const { text, fields } of this.#refusals.look(total, () => this.#firewall.refusals(), performance.now())) {
      this.#log.record('warn', text, fields, 'firewall');
    }
  }

  /** The interface is gone, and so goes the table. */
  end(): void {
    this.#watch?.close();
    this.#firewall.close();
  }

  status(): FirewallAnswer {
    return this.#firewall.status();
  }

  /** The same, without running a command: as of the last look for refusals. */
  latest(): FirewallAnswer {
    return { ...this.#firewall.state(), ...(this.#refused === undefined ? {} : { refused: this.#refused }) };
  }

  openFor(address: Uint8Array): readonly string[] | undefined {
    return this.#firewall.openFor(address);
  }

  refusedTo(address: Uint8Array): readonly string[] {
    return this.#firewall.refusedTo(address);
  }

  summary(): FirewallState {
    const { inbound, closed, rules, problem } = this.#firewall.state();
    const open = rules.filter((rule) => rule.open).map(({ rule }) => rule);
    return { inbound, closed, open, ...(problem === undefined ? {} : { problem }) };
  }

  allow(rule: string): void {
    this.#firewall.allow(rule);
    this.#log.info(`firewall: allow ${rule}`, {}, 'firewall');
  }

  deny(rule: string): void {
    this.#firewall.deny(rule);
    this.#log.info(`firewall: deny ${rule}`, {}, 'firewall');
  }

  /** What fails is loud, once for each cause, and nothing to end for. */
  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof RatatoskError)) throw error;
      this.#log.warn(`firewall: ${error.message}`, {}, 'firewall');
    }
    const { problem } = this.#firewall;
    if (problem !== undefined && problem !== this.#reported) {
      this.#log.error(`firewall: NOT CLOSED: ${EXPOSED}: ${problem}`, {}, 'firewall');
    }
    this.#reported = problem;
  }
}

const EXPOSED = 'the mesh reaches every service on this machine';
const CLOSED =
  'firewall: inbound connections over the mesh are closed; open one with `ratatosk firewall allow PORT`, ' +
  'or all with Firewall: { Inbound: "allow" } in the configuration';
