/** The schemes there are. `registry.ts` holds what dials and listens on them. */
export type SchemeFacts = { readonly canListen: boolean; readonly defaultPort: number | undefined };

export const KINDS: ReadonlyMap<string, SchemeFacts> = new Map([
  ['tcp', { canListen: true, defaultPort: undefined }],
  ['ws', { canListen: true, defaultPort: 80 }],
]);

/** Known to users of this or of Yggdrasil, and to come. */
export const PLANNED_SCHEMES: readonly string[] = [
  'tls',
  'wss',
  'unix',
  'socks',
  'sockstls',
  'quic',
  'udp',
  'serial',
  'rnode',
  'kiss',
  'meshcore',
];
