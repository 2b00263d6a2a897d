/**
 * Runs in a namespace on a LAN: `DEVICE ADDRESSES SECONDS` floods the group from so many addresses of its own with beacons
 * of all kinds: noise, wrong hashes, and right ones of ever new keys that name a port where connections are taken and
 * nothing is said. Prints as JSON how many datagrams it has sent and how many connections were open at once.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { blake2b } from '@noble/hashes/blake2.js';

const GROUP = 'ff02::114';
const PORT = 9001;
const BURST = 64;

export type FloodReport = { sent: number; connections: number; openAtOnce: number };

const [device = '', addresses = '1', seconds = '1'] = process.argv.slice(2);
const report: FloodReport = { sent: 0, connections: 0, openAtOnce: 0 };
let open = 0;
const server = createServer((socket) => {
  report.connections++;
  report.openAtOnce = Math.max(report.openAtOnce, ++open);
  socket.on('error', () => undefined);
  socket.on('close', () => open--);
});
server.listen(0, '::');
await once(server, 'listening');
const sockets = await Promise.all(Array.from({ length: Number(addresses) }, (_, i) => socketAt(i)));
const silent = (server.address() as AddressInfo).port;
const endAtMs = performance.now() + Number(seconds) * 1_000;
for (let i = 0; performance.now() < endAtMs; i++) {
  const socket = sockets[i % sockets.length] as Socket;
  socket.send(beacon(i), PORT, `${GROUP}%${device}`, (error) => {
    if (error === null) report.sent++;
  });
  if (i % BURST === 0) await new Promise((resolve) => setImmediate(resolve));
}
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit());

/** Bound to `fe80::5:N`, which the test has given to the device. */
async function socketAt(index: number): Promise<Socket> {
  const socket = createSocket('udp6');
  socket.bind(0, `fe80::5:${index.toString(16)}%${device}`);
  await once(socket, 'listening');
  return socket;
}

function beacon(i: number): Buffer {
  if (i % 4 === 0) return randomBytes(i % 1_200);
  const head = Buffer.from([0, 0, 0, i % 16 === 1 ? 4 : 5]);
  const key = createHash('sha256').update(String(i)).digest();
  const hash = i % 4 === 1 ? randomBytes(64) : blake2b(key, { dkLen: 64 });
  return Buffer.concat([head, key, Buffer.from([silent >> 8, silent & 0xff, 0, 64]), hash]);
}
