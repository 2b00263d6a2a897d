import net from 'node:net';
import type { LinkFacts } from '../core/port.ts';
import { publicKey } from '../core/port.ts';
import type { Carrier, CarrierEvents, LinkKind, LinkUri } from './link.ts';
export class SocketCarrier implements Carrier {
  readonly facts: LinkFacts; readonly remoteHost: string; #s: net.Socket; #e: CarrierEvents | undefined; #done = false;
  constructor(s: net.Socket, facts: LinkFacts) { this.#s = s; this.facts = facts; this.remoteHost = s.remoteAddress ?? ''; s.setNoDelay(true); s.on('error', () => {}); s.pause(); }
  start(e: CarrierEvents) { this.#e = e; this.#s.on('data', (d) => e.bytes(d)); this.#s.on('close', () => { if (!this.#done) { this.#done = true; e.closed('closed'); } }); this.#s.resume(); }
  write(b: Uint8Array): boolean { let sync = true; let cbd = false; this.#s.write(b, () => { cbd = true; if (!sync) this.#e?.writable(); }); sync = false; if (this.#s.writableLength === 0) { sync = true; return true; } void cbd; return false; }
  close() { this.#done = true; this.#s.end(); setTimeout(() => this.#s.destroy(), 500).unref(); }
}
const facts = (u: LinkUri, name: string, isInbound: boolean): LinkFacts => ({ uri: name, isInbound, isConfigured: !isInbound, password: u.options.password, priority: u.options.priority, pinnedKeys: u.options.keys.map(publicKey), isExemptFromAllowList: false });
export const tcp: LinkKind = {
  dial: (u, _i, signal) => new Promise((res, rej) => { const s = net.connect({ host: u.host, port: u.port, signal }); s.once('error', rej); s.once('connect', () => res(new SocketCarrier(s, facts(u, u.name, false)))); }),
  listen: (u, accept) => new Promise((res, rej) => { const srv = net.createServer((s) => accept(new SocketCarrier(s, facts(u, `tcp://${s.remoteAddress}:${s.remotePort}`, true)))); srv.once('error', rej); srv.listen(u.port, u.host, () => res({ uri: u.name, close: async () => { srv.close(); } })); }),
};
