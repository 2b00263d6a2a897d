/** The schemes there are. `registry.ts` holds what dials and listens on them. */
export type SchemeFacts = {
  readonly canListen: boolean;
  readonly defaultPort: number | undefined;
  /** Carries datagrams, not octet streams: `sockets.ts` beside the driver serves it. */
  readonly isDatagram: boolean;
};

export const KINDS: ReadonlyMap<string, SchemeFacts> = new Map([
  ['tcp', { canListen: true, defaultPort: undefined, isDatagram: false }],
  ['ws', { canListen: true, defaultPort: 80, isDatagram: false }],
  ['udp', { canListen: true, defaultPort: undefined, isDatagram: true }],
]);

export function isDatagram(scheme: string): boolean {
  return KINDS.get(scheme)?.isDatagram === true;
}

/** Known to users of this or of Yggdrasil, and to come. */
export const PLANNED_SCHEMES: readonly string[] = [
  'tls',
  'wss',
  'unix',
  'socks',
  'sockstls',
  'quic',
  'serial',
  'rnode',
  'kiss',
  'meshcore',
];
