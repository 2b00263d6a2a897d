/**
 * Neighbours on the LAN find each other without configuration (section 3). Looks at the machine's interfaces as often as
 * the reference does, and keeps a station on each that an entry of `MulticastInterfaces` is for.
 */
import { type DiscoveryRule, type LocalInterface, type Place, placesOf } from './interfaces.ts';
import { type BeaconDrop, Neighbours } from './neighbours.ts';
import { type DiscoveryUser, Station } from './station.ts';

/** From one look to the next: 1 s and up to so much more, so that the nodes of a LAN do not speak in unison. */
const LOOK_MS = 1_000;
const LOOK_SPREAD_MS = 1_050;

export type DiscoveryInfo = {
  name: string;
  /** `[address%zone]:port` where neighbours connect, or '-'. */
  address: string;
  beacon: boolean;
  listen: boolean;
  hasPassword: boolean;
};

export class Discovery {
  readonly #user: DiscoveryUser;
  readonly #interfaces: () => readonly LocalInterface[];
  readonly #neighbours: Neighbours;
  readonly #stations = new Map<string, Station>();
  #rules: readonly DiscoveryRule[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(user: DiscoveryUser, interfaces: () => readonly LocalInterface[]) {
    this.#user = user;
    this.#interfaces = interfaces;
    this.#neighbours = new Neighbours(user.key, (password, key) => user.hash(password, key));
  }

  /** Beacons that led to nothing, by reason. */
  get dropped(): Readonly<Record<BeaconDrop, number>> {
    return this.#neighbours.dropped;
  }

  info(): DiscoveryInfo[] {
    const rows = [...this.#stations.values()].map(({ place: { name, rule }, listening }) => ({
      name,
      address: listening ?? '-',
      beacon: rule.beacon,
      listen: rule.listen,
      hasPassword: rule.password.length > 0,
    }));
    return rows.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Begins, or goes on by other rules: what stays as it was is not touched. Answers what changed. */
  reload(rules: readonly DiscoveryRule[]): string[] {
    const text = (all: readonly DiscoveryRule[]): string => all.map(ruleText).join();
    const hasChanged = text(rules) !== text(this.#rules);
    this.#rules = rules;
    this.look();
    return hasChanged ? ['neighbours are looked for by the new MulticastInterfaces'] : [];
  }

  stop(): void {
    this.#rules = [];
    clearTimeout(this.#timer);
    for (const station of this.#stations.values()) station.close();
    this.#stations.clear();
  }

  /** Besides looking regularly: when the interfaces have changed. */
  look(): void {
    clearTimeout(this.#timer);
    const isWanted = this.#rules.some(({ beacon, listen }) => beacon || listen);
    const places = isWanted ? placesOf(this.#interfaces(), this.#rules) : [];
    for (const [name, station] of this.#stations) {
      if (places.some((place) => isSame(place, station.place))) continue;
      this.#stations.delete(name);
      station.close();
    }
    for (const place of places) {
      if (this.#stations.has(place.name)) continue;
      this.#stations.set(place.name, new Station(place, this.#user, this.#neighbours));
    }
    for (const station of this.#stations.values()) station.look();
    if (isWanted) this.#timer = setTimeout(() => this.look(), LOOK_MS + Math.random() * LOOK_SPREAD_MS);
  }
}

function isSame(a: Place, b: Place): boolean {
  return a.name === b.name && a.address === b.address && ruleText(a.rule) === ruleText(b.rule);
}

function ruleText({ regex, beacon, listen, port, priority, password }: DiscoveryRule): string {
  return JSON.stringify([String(regex), beacon, listen, port, priority, [...password]]);
}
