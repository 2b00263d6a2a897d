/** The packets of a node with nothing below them. */
import assert from 'node:assert/strict';
import { Context } from '../../daemon/core/context.ts';
import { Packets } from '../../daemon/core/packets.ts';
import { type CoreEvent, type NodeOptions, PACKET_HEADROOM, publicKey } from '../../daemon/core/port.ts';
import { newPair, Session } from '../../daemon/core/session/session.ts';
import { VIRTIO_HEADER } from '../../daemon/wire/super-packet.ts';
import { type Identity, identity, nodeOptions } from './core.ts';

export const us = identity(0);
export const far = identity(1);

export class Desk {
  readonly context: Context;
  readonly packets: Packets;
  /** What would go into sessions, application type first. */
  readonly sent: { dest: Uint8Array; packet: Uint8Array }[] = [];
  readonly lookups: Uint8Array[] = [];
  /** Whether the other side has agreed to them, and what it got, application type first. */
  takesSuperPackets = true;
  readonly superPackets: Uint8Array[] = [];
  settled = 0;
  /** What a radio on the way says of every packet. */
  refusalMs: number | undefined;

  constructor(changes: Partial<NodeOptions> = {}, owner: Identity = us) {
    this.context = new Context(nodeOptions(owner, changes));
    this.packets = new Packets(this.context, {
      send: (dest, buffer, at, length) => {
        assert.ok(at >= 32, 'there is room for the inner key');
        this.sent.push({ dest, packet: buffer.slice(at, at + length) });
      },
      sendSuperPacket: (_, buffer, at, length) => {
        if (this.takesSuperPackets) this.superPackets.push(buffer.slice(at, at + length));
        return this.takesSuperPackets;
      },
      lookup: (partial) => this.lookups.push(partial),
      refusalMs: () => this.refusalMs,
      settle: () => void this.settled++,
    });
  }

  outgoing(...packets: Uint8Array[]): void {
    const slot = PACKET_HEADROOM + Math.max(2_000, ...packets.map(({ length }) => length));
    const arena = new Uint8Array(packets.length * slot);
    for (const [i, packet] of packets.entries()) arena.set(packet, i * slot + PACKET_HEADROOM);
    this.#outgoing(arena, slot, packets);
  }

  /** The same behind virtio headers. */
  outgoingUnfinished(...views: Uint8Array[]): void {
    const slot = PACKET_HEADROOM + 66_000;
    const arena = new Uint8Array(views.length * slot).fill(0xdb);
    for (const [i, view] of views.entries()) arena.set(view, i * slot + PACKET_HEADROOM - VIRTIO_HEADER);
    this.#outgoing(
      arena,
      slot,
      views.map((view) => view.subarray(VIRTIO_HEADER)),
    );
  }

  #outgoing(arena: Uint8Array, slot: number, packets: readonly Uint8Array[]): void {
    this.packets.outgoing({
      arena,
      offsets: Int32Array.from(packets, (_, i) => i * slot + PACKET_HEADROOM),
      lengths: Int32Array.from(packets, ({ length }) => length),
      count: packets.length,
    });
    arena.fill(0xdb);
  }

  incoming(packet: Uint8Array, from: Identity = far): void {
    const buffer = new Uint8Array(packet.length + 5);
    buffer.set(packet, 5);
    this.packets.incoming(this.#session(from), buffer, 5, buffer.length);
  }

  /** Behind its virtio header, from a peer that agreed. */
  superIncoming(view: Uint8Array, from: Identity = far): void {
    const buffer = new Uint8Array(view.length + 5);
    buffer.set(view, 5);
    this.packets.superIncoming(this.#session(from), buffer, 5, buffer.length);
  }

  delivered(): Uint8Array[] {
    const { buffers, offsets, lengths, count } = this.packets.deliveries;
    return Array.from({ length: count }, (_, i) => {
      const at = offsets[i] as number;
      return (buffers[i] as Uint8Array).slice(at, at + (lengths[i] as number));
    });
  }

  /** Of each delivered packet, whether the kernel is to finish it. */
  unfinished(): number[] {
    const { unfinished, count } = this.packets.deliveries;
    return [...unfinished.subarray(0, count)];
  }

  #session(from: Identity): Session {
    const pair = () => newPair(this.context);
    return new Session(this.context, publicKey(from.key), pair(), pair(), 0n);
  }

  drops(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.context.stats.drops).filter(([, count]) => count > 0));
  }

  echoReplies(): Extract<CoreEvent, { kind: 'echoReply' }>[] {
    return this.context.events.filter((event) => event.kind === 'echoReply');
  }
}
