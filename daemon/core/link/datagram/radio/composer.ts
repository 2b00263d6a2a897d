/** Fills one record of a radio link: what answers first, then the control stream, short messages, and fragments of long ones. */
import { Writer } from '../../../../wire/cursor.ts';
import {
  LINK_FRAME,
  PING_SIZE,
  RACK_OCTETS_MAX,
  SILENT_SIZE,
  UNKNOWN_HEAD,
  writePing,
  writeRack,
  writeSilent,
  writeUnknown,
} from '../../../../wire/link-frames.ts';
import type { AirClass } from '../../../radio/facts.ts';
import type { ReplayWindow } from '../../../replay-window.ts';
import type { ShortHeadersIn } from '../short-headers.ts';
import { type Cargo, cargoSize, writeCargo } from './cargo.ts';
import type { RadioControl } from './control.ts';
import type { Flight } from './flight.ts';
import type { RadioTraffic } from './traffic.ts';

const TWO_32 = 0x1_0000_0000;
/** Every so many records of a burst begin with what short messages would keep waiting. */
const BULK_EVERY = 4;

/** Weight of one record in the share that is missing. */
const RECORD_WEIGHT = 1 / 32;

const CLASSES = { control: 'control', message: 'interactive', fragment: 'normal' } as const;
const RANKS = { answer: 0, control: 1, interactive: 2, normal: 3, bulk: 4 };

export type Loads = { readonly flight: Flight; readonly control: RadioControl; readonly traffic: RadioTraffic };

export type RecordPlan = {
  /** Of the burst, from 0. */
  readonly index: number;
  /** Nothing that takes more than one record: the other side has not said yet what it has. */
  readonly isQuickOnly: boolean;
  readonly isPingDue: boolean;
  /** What has come under the key that we seal with; undefined: the other side knows. */
  readonly window: ReplayWindow | undefined;
  /** 0: we go on as usual. */
  readonly silentSeconds: number;
  /** Of the other side's short routing headers. */
  readonly heads: ShortHeadersIn | undefined;
  /** What there is air for. */
  readonly allows: (airClass: AirClass) => boolean;
  readonly timeMs: number;
  /** Messages that are taken up now are of no use after that. */
  readonly quickUntilMs: number;
  readonly bulkUntilMs: number;
};

export class RecordComposer {
  /** After `write`: what the record carries. */
  cargo: Cargo[] = [];
  /** The most urgent of it. */
  airClass: AirClass = 'answer';
  /** It says PING, RACK. */
  hasPing = false;
  hasRack = false;
  /** Of the records that came to us, smoothed. */
  missingShare = 0;
  readonly #loads: Loads;
  #writer = new Writer(new Uint8Array(0));
  #pingId = 0;
  /** What RACKs have told: the highest counter of the last one, and of the one before. */
  #told = -1;
  #toldBefore = -1;

  constructor(loads: Loads) {
    this.#loads = loads;
  }

  /** Under another key, counters begin anew. */
  rekeyed(): void {
    this.#told = -1;
    this.#toldBefore = -1;
  }

  /** Returns the octets written at `target[at..]`, at most `room`; 0: there is nothing to say. */
  write(target: Uint8Array, at: number, room: number, plan: RecordPlan): number {
    if (this.#writer.buffer !== target) this.#writer = new Writer(target);
    const writer = this.#writer;
    writer.pos = at;
    const end = at + room;
    this.hasRack = plan.window !== undefined && plan.window.expected > 0 && plan.allows('answer');
    if (plan.window !== undefined && this.hasRack) this.#writeRack(writer, plan.window);
    if (plan.silentSeconds > 0 && writer.pos + SILENT_SIZE <= end) writeSilent(writer, plan.silentSeconds);
    if (plan.heads?.hasUnknown === true && plan.allows('answer')) {
      writeUnknown(writer, plan.heads.takeUnknown(end - writer.pos - UNKNOWN_HEAD));
    }
    this.#fill(end - writer.pos, room, plan);
    // What comes asks for the answer that a PING asks for.
    const isAlone = this.cargo.length === 0 && writer.pos + PING_SIZE <= end;
    this.hasPing = plan.isPingDue && isAlone && plan.allows('control');
    if (this.hasPing) this.airClass = 'control';
    if (this.hasPing) writePing(writer, LINK_FRAME.ping, this.#nextPing());
    this.cargo.forEach((each, i) => {
      writeCargo(writer, each, i === this.cargo.length - 1);
    });
    return writer.pos - at;
  }

  #fill(room: number, recordRoom: number, plan: RecordPlan): void {
    this.cargo = [];
    this.airClass = 'answer';
    const isBulkFirst = plan.index % BULK_EVERY === BULK_EVERY - 1;
    for (let left = room; left > 0; ) {
      const cargo = this.#next(left, recordRoom, isBulkFirst && left === recordRoom, plan);
      if (cargo === undefined) return;
      this.cargo.push(cargo);
      const airClass = CLASSES[cargo.kind];
      if (this.cargo.length === 1 || RANKS[airClass] < RANKS[this.airClass]) this.airClass = airClass;
      if (cargo.kind === 'fragment' || cargoSize(cargo) > left) return;
      left -= cargoSize(cargo);
    }
  }

  #next(room: number, recordRoom: number, isBulkFirst: boolean, plan: RecordPlan): Cargo | undefined {
    const { flight, control, traffic } = this.#loads;
    const { timeMs } = plan;
    const mayBulk = !plan.isQuickOnly && plan.allows('normal');
    const bulk = (): Cargo | undefined =>
      mayBulk
        ? (flight.take('fragment', room, timeMs) ?? traffic.takeFragment(room, recordRoom, plan.bulkUntilMs))
        : undefined;
    const first = isBulkFirst ? bulk() : undefined;
    const routing = plan.allows('control')
      ? (first ?? flight.take('control', room, timeMs) ?? control.take(room))
      : first;
    const short = (): Cargo | undefined =>
      plan.allows('interactive')
        ? (flight.take('message', room, timeMs) ?? traffic.takeQuick(room, plan.quickUntilMs))
        : undefined;
    return routing ?? short() ?? bulk();
  }

  /** As far back as the last RACK but one, which may have been lost. */
  #writeRack(writer: Writer, window: ReplayWindow): void {
    const highest = window.expected - 1;
    const count = Math.min(Math.ceil(Math.max(highest - this.#toldBefore - 1, 0) / 8), RACK_OCTETS_MAX);
    const bits = new Uint8Array(count);
    for (let i = 0; i < 8 * count && i < highest; i++) {
      const counter = highest - 1 - i;
      const isMissing = window.isNew(Math.floor(counter / TWO_32), counter % TWO_32);
      if (!isMissing) bits[i >> 3] = (bits[i >> 3] as number) | (1 << (i & 7));
      if (counter > this.#told) this.missingShare += ((isMissing ? 1 : 0) - this.missingShare) * RECORD_WEIGHT;
    }
    writeRack(writer, highest, bits);
    if (highest > this.#told) {
      this.#toldBefore = this.#told;
      this.#told = highest;
    }
  }

  #nextPing(): number {
    this.#pingId = (this.#pingId + 1) % TWO_32;
    return this.#pingId;
  }
}
