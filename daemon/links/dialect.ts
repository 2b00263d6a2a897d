/**
 * How one kind of modem is spoken to: a value machine. Octets of the modem and frames to send go in, and what is to be done comes
 * out as effects. Who drives it gives the time, writes what is to be written, and wakes it at `deadline`.
 *
 *     starting ──up──▶ up ──(the modem began anew)──▶ starting …
 *         └──────────────┴── failed: it is over, and begins again with the device
 */
import type { AirFacts, AirReport, CarrierClass } from '../core/port.ts';

export interface Dialect {
  /** Drained by whoever drives it after each call. */
  readonly effects: Effect[];
  /** The port is open. */
  start(nowMs: number): void;
  /** Of the modem; not kept. */
  receive(octets: Uint8Array, nowMs: number): void;
  /** One frame of at most `mtu` octets; not kept. False: the modem has no room now, and `writable` follows. */
  send(frame: Uint8Array, nowMs: number): boolean;
  deadline(): number;
  timer(nowMs: number): void;
  /** The last words to the modem. */
  stop(): void;
}

export type Effect =
  | { readonly kind: 'write'; readonly octets: Uint8Array }
  /** The modem is set up and listens. Told again after it began anew. */
  | { readonly kind: 'up'; readonly facts: ModemFacts }
  /** Heard, and how well. The octets are the receiver's. */
  | { readonly kind: 'frame'; readonly octets: Uint8Array; readonly signal: AirReport | undefined }
  /** All that `send` took has been sent, as far as can be told; or there is room again. */
  | { readonly kind: 'writable' }
  | { readonly kind: 'report'; readonly report: AirReport }
  /** For operators: once for each thing worth knowing. */
  | { readonly kind: 'note'; readonly level: 'info' | 'warn'; readonly text: string }
  /** It cannot go on. `text` is one line, with a remedy. */
  | { readonly kind: 'failed'; readonly text: string };

/** What the modem turned out to be. */
export type ModemFacts = {
  readonly carrierClass: CarrierClass;
  readonly mtu: number;
  /** Of radios. What the law and the owner allow is added elsewhere. */
  readonly air: ModemAir | undefined;
  /** In one line: parameters in force, firmware. */
  readonly about: string;
};

export type ModemAir = Omit<AirFacts, 'limits' | 'share' | 'ledger'>;

/** What dialects need of the rest. */
export type DialectTools = {
  /** ms that a frame is on the air, with what the modem puts before it. */
  airMs(air: ModemAir, octets: number): number;
  /** 0 to 255. */
  randomOctet(): number;
};
