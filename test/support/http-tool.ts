/**
 * Runs in a namespace: `serve ADDRESS PORT` answers /SEED/OCTETS, `fetch URL` prints what it got as JSON.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Fetched, pseudoRandom } from './http.ts';

const [verb, target = '', port = ''] = process.argv.slice(2);
if (verb === 'serve') serve(target, Number(port));
else if (verb === 'fetch') process.stdout.write(`${JSON.stringify(await fetchAll(target))}\n`);
else process.exitCode = 2;

function serve(address: string, atPort: number): void {
  const server = createServer((request, response) => {
    const [, seed = 0, octets = 0] = (request.url ?? '').split('/').map(Number);
    response.setHeader('Content-Length', octets);
    // A client that goes away is its own failure to report.
    pipeline(Readable.from(pseudoRandom(seed, octets)), response).catch(() => undefined);
  });
  server.listen(atPort, address, () => process.stdout.write('ready\n'));
}

async function fetchAll(url: string): Promise<Fetched> {
  const startMs = performance.now();
  // The usual agent asks each second whether the other end lives, and gives it up after ten: an answer by radio may take longer.
  const [response] = (await once(get(url, { agent: false }), 'response')) as [IncomingMessage];
  const hash = createHash('sha256');
  let octets = 0;
  for await (const chunk of response) {
    hash.update(chunk);
    octets += chunk.length;
  }
  return { octets, sha256: hash.digest('hex'), elapsedMs: performance.now() - startMs };
}
