/** A link over TLS, whoever made the connection below. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { LinkFacts, PublicKey } from '../core/port.ts';
import { inBulk } from './bulk-socket.ts';
import type { Carrier } from './link.ts';
import { provenKey } from './secure.ts';
import { SocketCarrier } from './socket-carrier.ts';
import { boundUselessRecords } from './useless-records.ts';

/** `raw` is what `secured` runs over; `factsOf` is given the key that the other side has proven. */
export function secureCarrier(
  secured: TLSSocket,
  raw: Socket,
  factsOf: (boundKey: PublicKey | undefined) => LinkFacts,
): Carrier {
  const facts = factsOf(provenKey(secured));
  const bulk = inBulk(secured);
  const carrier = new SocketCarrier(bulk, facts, true);
  boundUselessRecords(bulk, raw);
  return carrier;
}
