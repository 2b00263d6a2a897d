/** A peer that speaks frames by hand, with a key of its own. */
import type { CloseReason, LinkFacts, LinkId } from '../../daemon/core/port.ts';
import { announceSigned, readAnnounce, writeAnnounce } from '../../daemon/wire/announce.ts';
import { Writer } from '../../daemon/wire/cursor.ts';
import { encodeFrame, FRAME } from '../../daemon/wire/frame.ts';
import { writeGreeting } from '../../daemon/wire/greeting.ts';
import { notifySigned, writePathLookup, writePathNotify } from '../../daemon/wire/lookup.ts';
import { readSigReq, type SigReq, writeSigReq, writeSigRes } from '../../daemon/wire/sigs.ts';
import { trafficHeadSize, writeTrafficHead } from '../../daemon/wire/traffic.ts';
import { crypto, type Frame, type Identity, NOTHING, takeFrames } from './core.ts';
import type { Host } from './core-world.ts';

const GREETING = 123;

export class RawPeer {
  readonly host: Host;
  readonly self: Identity;
  readonly link: LinkId;
  /** The node's own greeting, once it is whole. */
  greeting: Uint8Array = NOTHING;
  /** Frames that `take` has not taken. */
  frames: Frame[] = [];
  closed: CloseReason | undefined;
  /** Answers requests and keeps the link alive, so much later; gives this port. */
  politePort: bigint | undefined;
  politeAfterMs = 1;
  #rest: Uint8Array = NOTHING;

  constructor(host: Host, self: Identity, facts: Partial<LinkFacts> = {}) {
    this.host = host;
    this.self = self;
    this.link = host.attach({ bytes: (octets) => this.#bytes(octets), closed: (why) => this.#end(why) }, facts);
  }

  /** A peer that has been greeted, has proven its key, and goes on to answer. */
  static up(host: Host, self: Identity, port = 1n, facts: Partial<LinkFacts> = {}): RawPeer {
    const peer = new RawPeer(host, self, facts);
    peer.politePort = port;
    peer.greet();
    host.world.run(2);
    return peer;
  }

  send(octets: Uint8Array): void {
    if (this.closed === undefined) this.host.feedBytes(this.link, octets);
  }

  greet(password: Uint8Array = NOTHING, priority = 0): void {
    this.send(greetingOf(this.self, password, priority));
  }

  frame(type: number, body: Uint8Array | ((writer: Writer) => void) = NOTHING): void {
    this.send(encodeFrame(type, typeof body === 'function' ? body : (writer) => writer.octets(body)));
  }

  /** Frames since the last time, of one type if that is given; then the others stay. */
  take(type?: number): Uint8Array[] {
    const taken = this.frames.filter((frame) => type === undefined || frame.type === type);
    this.frames = this.frames.filter((frame) => type !== undefined && frame.type !== type);
    return taken.map((frame) => frame.body);
  }

  request(seq: bigint, nonce: bigint): void {
    this.frame(FRAME.sigReq, (writer) => writeSigReq(writer, { seq, nonce }));
  }

  /** Signs a request of the node: it may be our child. */
  answer(request: SigReq, port: bigint): void {
    const fields = { seq: request.seq, nonce: request.nonce, port };
    const psig = this.self.signer.sign(announceSigned(this.host.key, this.self.key, fields));
    this.frame(FRAME.sigRes, (writer) => writeSigRes(writer, { ...fields, psig }));
  }

  announce(child: Identity, parent: Identity, fields: { seq: bigint; nonce?: bigint; port?: bigint }): void {
    this.frame(FRAME.announce, announceBody(child, parent, fields));
  }

  announceSelf(seq = 1n): void {
    this.announce(this.self, this.self, { seq });
  }

  lookup(source: Uint8Array, dest: Uint8Array, from: Uint8Array): void {
    this.frame(FRAME.pathLookup, (writer) => writePathLookup(writer, { source, dest, from }));
  }

  /** A notify of a node, signed by it, as its last hop would pass it on. */
  notify(source: Identity, seq: bigint, coords: Uint8Array, to: { path: Uint8Array; dest: Uint8Array }): void {
    const info = { seq, path: coords, sig: source.signer.sign(notifySigned(seq, coords)) };
    const message = { path: to.path, watermark: 1n, source: source.key, dest: to.dest, info };
    this.frame(FRAME.pathNotify, (writer) => writePathNotify(writer, message));
  }

  traffic(
    source: Uint8Array,
    dest: Uint8Array,
    payload: Uint8Array,
    path: { to: Uint8Array; from: Uint8Array; watermark: number },
  ): void {
    this.send(trafficFrame(source, dest, payload, path));
  }

  #bytes(octets: Uint8Array): void {
    this.#rest = Uint8Array.from(Buffer.concat([this.#rest, octets]));
    if (this.greeting.length === 0) {
      if (this.#rest.length < GREETING) return;
      this.greeting = this.#rest.slice(0, GREETING);
      this.#rest = this.#rest.slice(GREETING);
    }
    const frames: Frame[] = [];
    this.#rest = this.#rest.slice(takeFrames(this.#rest, frames));
    this.frames.push(...frames);
    if (this.politePort !== undefined) for (const frame of frames) this.#beNice(frame, this.politePort);
  }

  #beNice({ type, body }: Frame, port: bigint): void {
    if (type <= FRAME.keepAlive) return;
    const request = type === FRAME.sigReq ? readSigReq(body) : undefined;
    this.host.world.later(this.politeAfterMs, () => {
      if (request !== undefined) this.answer(request, port);
      else this.frame(FRAME.keepAlive);
    });
  }

  #end(reason: CloseReason): void {
    this.closed = reason;
  }
}

export function greetingOf(self: Identity, password: Uint8Array = NOTHING, priority = 0): Uint8Array {
  return writeGreeting(self.key, priority, self.signer.sign(crypto.blake2b512(password, self.key)));
}

export function announceBody(
  child: Identity,
  parent: Identity,
  { seq, nonce = 1n, port }: { seq: bigint; nonce?: bigint; port?: bigint },
): Uint8Array {
  const isRoot = child.key === parent.key;
  const fields = { seq, nonce, port: port ?? (isRoot ? 0n : 1n) };
  const signed = announceSigned(child.key, parent.key, fields);
  const sig = child.signer.sign(signed);
  const psig = isRoot ? sig : parent.signer.sign(signed);
  const frame = encodeFrame(FRAME.announce, (writer) =>
    writeAnnounce(writer, { key: child.key, parent: parent.key, ...fields, psig, sig }),
  );
  // Behind the length, of two octets for any announcement, and the type.
  return frame.slice(3);
}

/** What can be read from an announcement without its signatures. */
export function announced(body: Uint8Array): { key: string; parent: string; seq: bigint; port: bigint } {
  const message = readAnnounce(body);
  if (message === undefined) throw new Error('this is no announcement');
  const { key, parent, seq, port } = message;
  return { key: Buffer.from(key).toString('hex'), parent: Buffer.from(parent).toString('hex'), seq, port };
}

export function trafficFrame(
  source: Uint8Array,
  dest: Uint8Array,
  payload: Uint8Array,
  path: { to: Uint8Array; from: Uint8Array; watermark: number },
): Uint8Array {
  const size = trafficHeadSize(path.to, path.from, path.watermark, payload.length);
  const octets = new Uint8Array(size + payload.length);
  const writer = new Writer(octets);
  writeTrafficHead(writer, path.to, path.from, source, dest, path.watermark, payload.length);
  octets.set(payload, size);
  return octets;
}
