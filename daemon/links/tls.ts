/** TLS over TCP (section 2.5): both certificates are made from the identities. */
import type { Certificate } from './certificate.ts';
import { connectTcp } from './connect.ts';
import { acceptedFacts, dialledFacts, remoteUri } from './facts.ts';
import type { LinkKind } from './link.ts';
import { listenTcp } from './listen.ts';
import { diallingContext, secure, secureServer, serverName, TLS_TIMEOUT_MS } from './secure.ts';
import { secureCarrier } from './secure-carrier.ts';
import { Strangers } from './strangers.ts';

export function tls(own: Certificate): LinkKind {
  const context = diallingContext(own, 'TLSv1.3');
  return {
    async dial(uri, sourceInterface, signal) {
      const socket = await connectTcp(uri, sourceInterface, signal);
      const secured = await secure(socket, context, serverName(uri), signal);
      return secureCarrier(secured, socket, (key) => dialledFacts(uri, key));
    },

    async listen(uri, accept) {
      const strangers = new Strangers(TLS_TIMEOUT_MS);
      const handshakes = secureServer(own, (socket) => {
        const raw = strangers.becameLink(socket);
        if (raw === undefined) return void socket.destroy();
        const remote = remoteUri(uri.scheme, socket.remoteAddress, socket.remotePort);
        accept(secureCarrier(socket, raw, (key) => acceptedFacts(uri, remote, key)));
      });
      const listener = await listenTcp(uri, (socket) => {
        if (strangers.admit(socket)) handshakes.emit('connection', socket);
      });
      const close = async (): Promise<void> => {
        await listener.close();
        strangers.dismiss();
      };
      return { uri: listener.uri, close };
    },
  };
}
