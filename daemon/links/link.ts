import type { LinkFacts } from '../core/port.ts';
import type { ModemOptions } from './modem-options.ts';

/** A connected octet stream, of whatever kind. Made by `dial` or handed to `accept`; silent until `start`. */
export interface Carrier {
  readonly facts: LinkFacts;
  /** The other end's IP address as text, or '' where there is none: caps are counted by it. */
  readonly remoteHost: string;
  /** The IP address at this end, or '': when this machine loses it, the carrier is of no more use. */
  readonly localHost: string;
  /** Begins to read. Events come only after this call, never from within it. */
  start(events: CarrierEvents): void;
  /**
   * True: the system has taken all of it and the buffer is the caller's again. False: the carrier holds the buffer
   * until `writable`, and the caller writes nothing before that.
   */
  write(bytes: Uint8Array): boolean;
  /** Ends the carrier after what was written so far, within a second at most. No event follows. Idempotent. */
  close(): void;
}

export type CarrierEvents = {
  /** The octets are the receiver's to overwrite, until it returns. */
  bytes(octets: Uint8Array): void;
  writable(): void;
  /** Once, when the other side or the system ended it. `reason` is one line for operators. */
  closed(reason: string): void;
};

/** A parsed and checked peer or listener URI; `parseUri` in `uri.ts` makes it. */
export type LinkUri = {
  /** Lower case: 'tcp', 'ws', … */
  readonly scheme: string;
  /** Of a proxy, if the scheme has one; '' where the path says it all. */
  readonly host: string;
  readonly port: number;
  /** With leading slash, '' if none. Of a file in the file system: decoded. */
  readonly path: string;
  /** Who is behind the proxy. */
  readonly target: { readonly host: string; readonly port: number } | undefined;
  readonly user: ProxyUser | undefined;
  /** The URI without its options and user: peers are told apart by it, and it may be shown. */
  readonly name: string;
  /** The query without our options, as it was written. */
  readonly otherQuery: string;
  readonly options: LinkOptions;
  /** Of modems only. */
  readonly modem?: ModemOptions;
  /** Of a neighbour that discovery found, or a listener for such: nobody configured it. */
  readonly isDiscovered?: boolean;
};

/** Who we are to a proxy: 1..255 and 0..255 octets. */
export type ProxyUser = { readonly name: Uint8Array; readonly password: Uint8Array };

export type LinkOptions = {
  readonly keys: readonly Uint8Array[];
  readonly priority: number;
  /** Milliseconds; undefined: as measured. */
  readonly cost: number | undefined;
  readonly password: Uint8Array;
  readonly sni: string | undefined;
  /** Milliseconds, at least 5000. */
  readonly maxBackoffMs: number | undefined;
  readonly origins: readonly string[];
  /** Of datagram links, instead of a password: 32 octets. */
  readonly psk: Uint8Array | undefined;
  /** Of datagram links over slow radio: `slow=halow`. */
  readonly isSlow: boolean;
};

export type Listener = {
  /** The listener's URI with the port it really has. */
  readonly uri: string;
  /** Takes other options over without an end for its links; false: it cannot, and nothing has changed. */
  change?(uri: LinkUri): Promise<boolean>;
  close(): Promise<void>;
};

/** A link kind. A new one is one file beside this and one row in `registry.ts`. */
export type LinkKind = {
  dial?(uri: LinkUri, sourceInterface: string, signal: AbortSignal): Promise<Carrier>;
  listen?(uri: LinkUri, accept: (carrier: Carrier) => void): Promise<Listener>;
};
