/**
 * Pages over HTTP, every one on a connection of its own:
 *
 *   pages.js serve ADDRESS PORT                             "ready"
 *   pages.js fetch ADDRESS PORT CONNECTIONS SECONDS         milliseconds of each page, as JSON
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';

const PAGE = Buffer.alloc(10_000, 'a page ');

const [verb, address = '', port = '', connections = '', seconds = ''] = process.argv.slice(2);
if (verb === 'serve') serve();
else if (verb === 'fetch') process.stdout.write(`${JSON.stringify(await fetchAll())}\n`);
else process.exitCode = 2;

function serve(): void {
  const server = createServer((_, response) => response.end(PAGE));
  server.listen({ host: address, port: Number(port), backlog: 1024 }, () => process.stdout.write('ready\n'));
}

async function fetchAll(): Promise<number[]> {
  const times: number[] = [];
  const endMs = performance.now() + Number(seconds) * 1000;
  const visitor = async (): Promise<void> => {
    while (performance.now() < endMs) times.push(await fetchOne());
  };
  await Promise.all(Array.from({ length: Number(connections) }, visitor));
  return times;
}

async function fetchOne(): Promise<number> {
  const startMs = performance.now();
  const socket = connect(Number(port), address);
  socket.end('GET / HTTP/1.0\r\n\r\n');
  let octets = 0;
  socket.on('data', (chunk: Buffer) => {
    octets += chunk.length;
  });
  await once(socket, 'close');
  if (octets < PAGE.length) throw new Error(`a page of ${octets} octets`);
  return performance.now() - startMs;
}
