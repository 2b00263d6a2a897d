/**
 * HTTP between nodes: pseudo-random data of any length, made and summed as it flows.
 */
import { createCipheriv, createHash } from 'node:crypto';
import type { Lab } from './lab.ts';
import type { TestNode } from './node.ts';
import { supportScript } from './places.ts';

const CHUNK_OCTETS = 128 * 1024;
const PORT = 8080;

export type Fetched = { octets: number; sha256: string; elapsedMs: number };

/** The same seed always gives the same octets: an AES-CTR key stream. */
export function* pseudoRandom(seed: number, octets: number): Generator<Buffer> {
  const key = createHash('sha256').update(`data ${seed}`).digest();
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(CHUNK_OCTETS);
  for (let rest = octets; rest > 0; rest -= CHUNK_OCTETS) {
    yield stream.update(rest >= CHUNK_OCTETS ? zeros : zeros.subarray(0, rest));
  }
}

export function checksum(seed: number, octets: number): string {
  const hash = createHash('sha256');
  for (const chunk of pseudoRandom(seed, octets)) hash.update(chunk);
  return hash.digest('hex');
}

/** Serves at `server` and fetches from `client`. */
export async function fetchOver(
  lab: Lab,
  server: TestNode,
  client: TestNode,
  data: { seed: number; octets: number },
  limitMs: number,
): Promise<Fetched> {
  const script = supportScript('http-tool.js');
  const serving = lab.adopt(server.netns.start([process.execPath, script, 'serve', server.address, String(PORT)]));
  await serving.says('ready');
  const url = `http://[${server.address}]:${PORT}/${data.seed}/${data.octets}`;
  const fetched = JSON.parse(await client.netns.mustRun([process.execPath, script, 'fetch', url], { limitMs }));
  await serving.stop('SIGKILL');
  return fetched;
}
