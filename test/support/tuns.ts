/** TUN interfaces of the addon on this machine, and the datagrams that cross them. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { findAddon, type Offloads, type Tun } from '../../native-bindings/addon.ts';

export const addonFile = process.env.RATATOSK_TEST_ADDON;
export const { addon, problem } = findAddon(addonFile);
/** For tests that make interfaces. */
export const skip = whyNot();

export const SLOT = 2048;
export const HEADROOM = 64;
export const SLOTS = 32;
export const UDP_PORT = 9;
export const LIMIT_MS = 5000;

function whyNot(): string | false {
  if (addon === undefined) return `needs the addon: ${problem}`;
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync('/dev/net/tun')) return 'needs /dev/net/tun';
  return false;
}

let counter = 0;

/** A TUN of a name and a prefix of its own: others may run on this machine. Host `n` is `prefix::n`. */
export async function makeTun(
  context: TestContext,
  mtu = 1400,
  offloads: Offloads = 'none',
): Promise<{ tun: Tun; host: (n: number) => Uint8Array }> {
  assert.ok(addon !== undefined);
  const number = counter++;
  const tun = addon.openTun(`rtk${process.pid}x${number}`, offloads);
  context.after(() => tun.close());
  const host = (n: number): Uint8Array => {
    const address = new Uint8Array(16);
    const view = new DataView(address.buffer);
    view.setUint32(0, 0xfd7a7a7a);
    view.setUint32(4, process.pid * 16 + number);
    address[15] = n;
    return address;
  };
  addon.configureInterface(tun.name, host(1), 64, mtu);
  // The kernel takes packets for the address a moment after it has accepted it.
  const route = `${Buffer.from(host(1)).toString('hex')} 80 `;
  await until(() => readFileSync('/proc/net/ipv6_route', 'latin1').includes(route), 'the address');
  return { tun, host };
}

export function textOf(address: Uint8Array): string {
  const view = new DataView(address.buffer, address.byteOffset);
  return Array.from({ length: 8 }, (_, i) => view.getUint16(2 * i).toString(16)).join(':');
}

/** Collects packets of host 1 to `to` as they are read. */
export function collect(tun: Tun, to: Uint8Array, batch = SLOTS): { packets: Uint8Array[]; batches: number[] } {
  const arena = new Uint8Array(SLOT * SLOTS);
  const offsets = new Int32Array(SLOTS);
  const lengths = new Int32Array(SLOTS);
  const packets: Uint8Array[] = [];
  const batches: number[] = [];
  tun.startReading(() => {
    const count = tun.readBatch(arena, SLOT, HEADROOM, offsets, lengths, batch);
    batches.push(count);
    for (let i = 0; i < count; i++) {
      assert.equal(offsets[i], i * SLOT + HEADROOM);
      const packet = arena.slice(offsets[i], (offsets[i] ?? 0) + (lengths[i] ?? 0));
      // The kernel sends neighbour and group messages of its own as well.
      if (Buffer.compare(packet.subarray(24, 40), to) === 0) packets.push(packet);
    }
  });
  return { packets, batches };
}

export async function until(condition: () => boolean, what: string): Promise<void> {
  const limit = Date.now() + LIMIT_MS;
  while (!condition()) {
    assert.ok(Date.now() < limit, `waited too long: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export async function udp(context: TestContext): Promise<Socket> {
  const socket = createSocket('udp6');
  context.after(() => socket.close());
  socket.bind(0, '::');
  await once(socket, 'listening');
  return socket;
}

/** An IPv6 packet with a UDP datagram. */
export function datagram(from: Uint8Array, to: Uint8Array, port: number, payload: Uint8Array): Uint8Array {
  const length = 8 + payload.length;
  const packet = new Uint8Array(40 + length);
  const view = new DataView(packet.buffer);
  view.setUint32(0, 0x60000000);
  view.setUint16(4, length);
  packet[6] = 17;
  packet[7] = 64;
  packet.set(from, 8);
  packet.set(to, 24);
  view.setUint16(40, UDP_PORT);
  view.setUint16(42, port);
  view.setUint16(44, length);
  packet.set(payload, 48);
  let sum = length + 17;
  for (let at = 8; at < packet.length; at += 2) sum += ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(46, ~sum & 0xffff || 0xffff);
  return packet;
}
