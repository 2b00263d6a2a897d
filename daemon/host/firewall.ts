/**
 * Who may connect from the mesh: keeps our nftables table as the configuration and the verbs want it. The README here
 * says what it holds and why.
 */
import { RatatoskError } from '../core/error.ts';
import { parseAddress } from './address.ts';
import type { FirewallAnswer, RuleAnswer } from './answers.ts';
import {
  type Kept,
  NOTHING_KEPT,
  parseRule,
  prune,
  RULE_FORM,
  type Rule,
  rulesAcross,
  ruleText,
  type SetRule,
  setRules,
  withAllowed,
  withDenied,
} from './firewall-rules.ts';
import type { RuleStore } from './kept-rules.ts';
import type { Nft } from './nft.ts';
import {
  isNameable,
  type Opening,
  REFUSALS_SET,
  REFUSED_COUNTER,
  removalText,
  tableName,
  tableText,
} from './nft-table.ts';
import { type Refusal, readRefusals } from './refusal-watch.ts';
import { type AddressOf, covers, findPrefix, type Names, type Prefix, prefixText } from './targets.ts';

/** By commands; stops a script in a loop from filling disk and kernel. Those of the configuration bound themselves. */
const KEPT_MAX = 256;

const NOBODY = new Uint8Array(0);

export type Policy = {
  readonly inbound: 'deny' | 'allow';
  /** Rules of the configuration, checked. */
  readonly allow: readonly string[];
  readonly names: Names;
};

export type FirewallOptions = {
  readonly publicKey: Uint8Array;
  readonly addressOf: AddressOf;
  readonly store: RuleStore;
  readonly nft: Nft;
};

export class Firewall {
  readonly #options: FirewallOptions;
  readonly #table: string;
  #policy: Policy;
  #kept: Kept = NOTHING_KEPT;
  /** Known once the router has opened it. */
  #interface: string | undefined;
  #isClosed = false;
  #problem: string | undefined;

  constructor(options: FirewallOptions, policy: Policy) {
    this.#options = options;
    this.#table = tableName(options.publicKey);
    this.#policy = policy;
  }

  /** Why it is open although it should be closed. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Takes up what commands have set in earlier lives; throws `FIREWALL_KEPT` if that is lost. */
  load(): void {
    this.#kept = this.#options.store.load();
    this.#tidy();
  }

  /** Whether nftables is there and we may use it; nothing is lost yet if not, for there may be no interface. */
  canClose(): boolean {
    try {
      this.#options.nft(['list', 'tables']);
      return true;
    } catch (error) {
      if (!(error instanceof RatatoskError)) throw error;
      return false;
    }
  }

  /** Closes this interface, which must not have an address yet. */
  guard(interfaceName: string): void {
    this.#interface = interfaceName;
    if (this.#policy.inbound === 'deny') this.#attempt(() => this.#apply({ isAnew: true }));
    else this.#removeLeftover();
  }

  /** Takes over another configuration; throws `FIREWALL_KEPT` if only the file of rules cannot follow. */
  use(policy: Policy): void {
    this.#policy = policy;
    this.#attempt(() => this.#apply());
    this.#tidy();
  }

  /** Throws, with nothing changed, if it is no rule or cannot be had. */
  allow(text: string): void {
    const rule = this.#checked(text);
    if (rule.from !== undefined) this.#prefixOf(rule.from);
    this.#change(withAllowed(rule, this.#policy.allow, this.#kept));
  }

  /** Closed already is no error; staying open through another rule is, and then nothing changes. */
  deny(text: string): void {
    const rule = this.#checked(text);
    const kept = withDenied(rule, this.#policy.allow, this.#kept);
    const isThere = this.#rules().some((set) => !set.isDenied && ruleText(set.rule) === ruleText(rule));
    const across = rulesAcross(rule, setRules(this.#policy.allow, kept)).filter((other) => this.#reaches(other, rule));
    // Who takes back one rule of several for a target tidies up; who names what no rule says is mistaken.
    if (across.length > 0 && !(isThere && rule.from !== undefined)) {
      const open = across.map((other) => `\`${ruleText(other)}\``).join(', ');
      throw new RatatoskError('FIREWALL_OPEN', `${ruleText(rule)} would stay open by ${open}: deny that first`);
    }
    this.#change(kept);
  }

  /** Puts the table back if somebody has removed it, or tries again what failed; true if it was gone and is back. */
  look(): boolean {
    if (this.#interface === undefined || this.#policy.inbound === 'allow') return false;
    const wasClosed = this.#isClosed;
    if (wasClosed && this.#refused() !== 'gone') {
      if (this.#problem !== undefined) this.#attempt(() => this.#apply());
      return false;
    }
    this.#isClosed = false;
    this.#attempt(() => this.#apply({ isAnew: true }));
    return wasClosed && this.#isClosed;
  }

  status(): FirewallAnswer {
    const refused = this.refused();
    return { ...this.state(), ...(refused === undefined ? {} : { refused }) };
  }

  /** Without what only the kernel knows. */
  state(): FirewallAnswer {
    return {
      inbound: this.#policy.inbound,
      closed: this.#isClosed,
      ...(this.#interface === undefined ? {} : { interface: this.#interface }),
      ...(this.#isClosed ? { table: `inet ${this.#table}` } : {}),
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
      rules: this.#rules().map((set) => this.#ruleStatus(set)),
    };
  }

  /** Packets refused since the table was made; undefined: that cannot be told. */
  refused(): number | undefined {
    const refused = this.#isClosed ? this.#refused() : undefined;
    return refused === 'gone' ? undefined : refused;
  }

  /** What was refused in the last minutes, as far as the kernel remembers. */
  refusals(): Refusal[] {
    try {
      return readRefusals(this.#options.nft(['-j', 'list', 'set', 'inet', this.#table, REFUSALS_SET]));
    } catch (error) {
      if (!(error instanceof RatatoskError)) throw error;
      return [];
    }
  }

  /** Rules that let a node of this address connect; undefined: nothing keeps it from anything. */
  openFor(address: Uint8Array): readonly string[] | undefined {
    if (!this.#isClosed) return undefined;
    const one = { octets: address, length: 8 * address.length };
    return this.#rules()
      .filter(({ rule, isDenied }) => !isDenied && this.#ruleProblem(rule) === undefined)
      .filter(({ rule: { from } }) => from === undefined || covers(this.#prefixOf(from), one))
      .map(({ rule }) => ruleText(rule));
  }

  /** Ports that this address wanted in the last minutes and did not get, as rules would name them. */
  refusedTo(address: Uint8Array): readonly string[] {
    const rows = this.refusals().filter(({ from }) => Buffer.compare(parseAddress(from) ?? NOBODY, address) === 0);
    return rows.map(({ protocol, port }) => `${port}${protocol === 'tcp' ? '' : `/${protocol}`}`);
  }

  /** Removes the table. The interface must be gone. */
  close(): void {
    if (this.#isClosed) this.#removeLeftover();
    this.#interface = undefined;
  }

  #removeLeftover(): void {
    try {
      this.#remove();
    } catch (error) {
      // Without nft there is none, and without an interface it does nothing.
      if (!(error instanceof RatatoskError)) throw error;
    }
  }

  /** Forgets what of the commands has become pointless. */
  #tidy(): void {
    const { allow, deny } = this.#kept;
    this.#kept = prune(this.#policy.allow, this.#kept);
    if (this.#kept.allow.length + this.#kept.deny.length < allow.length + deny.length) this.#save();
  }

  /** The kernel first, so that nothing is kept that it has refused; then the file. */
  #change(kept: Kept): void {
    const before = this.#kept;
    if (kept.allow.length + kept.deny.length > KEPT_MAX) {
      const remedy = 'write them into Firewall.Allow, where a subnet or a range of ports can stand for many';
      throw new RatatoskError('FIREWALL_FULL', `more than ${KEPT_MAX} rules set by commands: ${remedy}`);
    }
    this.#kept = kept;
    try {
      this.#apply();
    } catch (error) {
      this.#kept = before;
      throw error;
    }
    this.#save();
  }

  #save(): void {
    try {
      this.#options.store.save(this.#kept);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new RatatoskError('FIREWALL_KEPT', `done, but forgotten at the next start: ${reason}`, { cause });
    }
  }

  /** Does nothing as long as there is no interface. */
  #apply({ isAnew = !this.#isClosed }: { isAnew?: boolean } = {}): void {
    if (this.#interface === undefined) return;
    if (this.#policy.inbound === 'allow') {
      if (this.#isClosed) this.#remove();
      return;
    }
    if (!isNameable(this.#interface)) {
      const expected = 'give it an IfName of letters, digits, and . _ -';
      throw new RatatoskError(
        'FIREWALL_NAME',
        `the interface ${this.#interface} cannot be named in a rule: ${expected}`,
      );
    }
    this.#options.nft(['-f', '-'], tableText(this.#table, this.#interface, this.#openings(), { isAnew }));
    this.#isClosed = true;
    this.#problem = undefined;
  }

  #remove(): void {
    this.#options.nft(['-f', '-'], removalText(this.#table));
    this.#isClosed = false;
  }

  /** What fails here leaves things as they were: the caller looks at `problem`. */
  #attempt(act: () => void): void {
    this.#problem = undefined;
    try {
      act();
    } catch (error) {
      if (!(error instanceof RatatoskError)) throw error;
      this.#problem = error.message;
    }
  }

  #checked(text: string): Rule {
    const rule = parseRule(text);
    if (rule !== undefined) return rule;
    throw new RatatoskError('FIREWALL_RULE', `rule: found ${JSON.stringify(text.slice(0, 80))}, expected ${RULE_FORM}`);
  }

  #rules(): SetRule[] {
    return setRules(this.#policy.allow, this.#kept);
  }

  #openings(): Opening[] {
    return this.#rules()
      .filter(({ rule, isDenied }) => !isDenied && this.#ruleProblem(rule) === undefined)
      .map(({ rule: { from, ...ports } }) => ({ ...ports, from: from === undefined ? from : this.#prefixOf(from) }));
  }

  #ruleStatus({ rule, by, isDenied }: SetRule): RuleAnswer {
    const problem = isDenied ? 'taken back by a command' : this.#ruleProblem(rule);
    return {
      rule: ruleText(rule),
      ...(rule.from === undefined || problem !== undefined ? {} : { prefix: prefixText(this.#prefixOf(rule.from)) }),
      by,
      open: this.#policy.inbound === 'allow' || problem === undefined,
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** A name may be gone from `Names` since the rule was set; then it opens nothing. */
  #ruleProblem({ from }: Rule): string | undefined {
    try {
      if (from !== undefined) this.#prefixOf(from);
      return undefined;
    } catch (error) {
      if (!(error instanceof RatatoskError)) throw error;
      return error.message;
    }
  }

  #prefixOf(target: string): Prefix {
    return findPrefix(target, this.#policy.names, this.#options.addressOf);
  }

  /** Whether rule `other` lets in who is named by `rule`. */
  #reaches(other: Rule, rule: Rule): boolean {
    if (other.from === undefined || rule.from === undefined) return true;
    if (this.#ruleProblem(other) !== undefined || this.#ruleProblem(rule) !== undefined) return false;
    return covers(this.#prefixOf(other.from), this.#prefixOf(rule.from));
  }

  /** Packets; `gone` together with the table; undefined if that cannot be told. */
  #refused(): number | 'gone' | undefined {
    try {
      const text = this.#options.nft(['-j', 'list', 'counter', 'inet', this.#table, REFUSED_COUNTER]);
      const { nftables } = JSON.parse(text) as { nftables: { counter?: { packets: number } }[] };
      return nftables.find(({ counter }) => counter !== undefined)?.counter?.packets;
    } catch (error) {
      if (!(error instanceof RatatoskError)) throw error;
      return error.code === 'NFT_ABSENT' ? 'gone' : undefined;
    }
  }
}
