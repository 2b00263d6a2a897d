/** Plain TCP. */
import { inBulk } from './bulk-socket.ts';
import { connectTcp } from './connect.ts';
import { acceptedFacts, dialledFacts, remoteUri } from './facts.ts';
import type { LinkKind } from './link.ts';
import { listenTcp } from './listen.ts';
import { SocketCarrier } from './socket-carrier.ts';

export const tcp: LinkKind = {
  async dial(uri, sourceInterface, signal) {
    return new SocketCarrier(inBulk(await connectTcp(uri, sourceInterface, signal)), dialledFacts(uri));
  },

  listen(uri, accept) {
    return listenTcp(uri, (socket) => {
      const remote = remoteUri(uri.scheme, socket.remoteAddress, socket.remotePort);
      accept(new SocketCarrier(inBulk(socket), acceptedFacts(uri, remote)));
    });
  },
};
