/** Application packets inside a session: IPv6 packets and the node queries (section 6.1). */

export const APP = { none: 0, ipv6: 1, query: 2 } as const;

export const QUERY_DEBUG = 0xff;

/** The queries by their octets after the type: `02 01`, `02 ff 01`, … */
export type QueryKind =
  | 'nodeInfoRequest'
  | 'nodeInfoResponse'
  | 'selfRequest'
  | 'selfResponse'
  | 'peersRequest'
  | 'peersResponse'
  | 'treeRequest'
  | 'treeResponse';

export type Query = { kind: QueryKind; body: Uint8Array };

const PLAIN: readonly (QueryKind | undefined)[] = [undefined, 'nodeInfoRequest', 'nodeInfoResponse'];
const DEBUG: readonly (QueryKind | undefined)[] = [
  undefined,
  'selfRequest',
  'selfResponse',
  'peersRequest',
  'peersResponse',
  'treeRequest',
  'treeResponse',
];

/** `packet` begins with the type octet 2. Undefined for kinds nobody knows. */
export function readQuery(packet: Uint8Array): Query | undefined {
  if (packet[0] !== APP.query || packet.length < 2) return undefined;
  const isDebug = packet[1] === QUERY_DEBUG;
  const kind = isDebug ? DEBUG[packet[2] ?? 0] : PLAIN[packet[1] as number];
  return kind === undefined ? undefined : { kind, body: packet.subarray(isDebug ? 3 : 2) };
}

export function writeQuery(query: Query): Uint8Array {
  const plain = PLAIN.indexOf(query.kind);
  const head = plain >= 0 ? [APP.query, plain] : [APP.query, QUERY_DEBUG, DEBUG.indexOf(query.kind)];
  const packet = new Uint8Array(head.length + query.body.length);
  packet.set(head);
  packet.set(query.body, head.length);
  return packet;
}

/** The body of a list of keys; undefined if it ends inside of one. */
export function readKeys(body: Uint8Array): Uint8Array[] | undefined {
  if (body.length % 32 !== 0) return undefined;
  return Array.from({ length: body.length / 32 }, (_, i) => body.subarray(32 * i, 32 * i + 32));
}
