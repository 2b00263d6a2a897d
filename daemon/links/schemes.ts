/** The schemes there are. `registry.ts` holds what dials and listens on them. */
export type SchemeFacts = {
  readonly canListen: boolean;
  readonly defaultPort: number | undefined;
  /** What the URI names: a host and port, a file, a proxy and behind it a host and port, or a device file or host and port. */
  readonly place: 'host' | 'file' | 'proxy' | 'device';
  /** The carrier can prove whose key is at its other end (link document, part C). */
  readonly isBindable: boolean;
  /** Carries datagrams, not octet streams: `sockets.ts` beside the driver serves it. */
  readonly isDatagram: boolean;
  /** Of one that is a modem: `modems.ts` beside the driver keeps it open, and who asks for it as a peer or to listen means the same. */
  readonly isModem: boolean;
};

const HOST: SchemeFacts = {
  canListen: true,
  defaultPort: undefined,
  place: 'host',
  isBindable: false,
  isDatagram: false,
  isModem: false,
};

const MODEM: SchemeFacts = { ...HOST, place: 'device', isBindable: true, isDatagram: true, isModem: true };

export const KINDS: ReadonlyMap<string, SchemeFacts> = new Map([
  ['tcp', HOST],
  ['tls', { ...HOST, isBindable: true }],
  ['ws', { ...HOST, defaultPort: 80 }],
  ['wss', { ...HOST, defaultPort: 443, canListen: false }],
  ['unix', { ...HOST, place: 'file' }],
  ['socks', { ...HOST, place: 'proxy', canListen: false }],
  ['sockstls', { ...HOST, place: 'proxy', canListen: false, isBindable: true }],
  ['udp', { ...HOST, isBindable: true, isDatagram: true }],
  ['serial', MODEM],
  ['kiss', { ...MODEM, defaultPort: 8_001 }],
  ['rnode', { ...MODEM, defaultPort: 7_633 }],
  ['meshcore', MODEM],
]);

export function isDatagram(scheme: string): boolean {
  return KINDS.get(scheme)?.isDatagram === true;
}

export function isModem(scheme: string): boolean {
  return KINDS.get(scheme)?.isModem === true;
}

/** Known to users of this or of Yggdrasil, and to come. */
export const PLANNED_SCHEMES: readonly string[] = ['quic'];
