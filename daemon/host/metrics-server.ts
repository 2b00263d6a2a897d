/** `/metrics` for Prometheus and `/healthz` for whoever asks whether the node does its work. Read-only, over HTTP. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { RatatoskError } from '../core/error.ts';
import { Metrics } from './metrics.ts';
import type { MetricsSource } from './snapshot.ts';

const CONNECTIONS_MAX = 16;
const HEADER_MAX_BYTES = 8_192;
const REQUEST_TIMEOUT_MS = 5_000;
/** Longer than the usual pause between two scrapes. */
const IDLE_MS = 65_000;
/** The router answers within milliseconds, or something is wrong with it. */
const ANSWER_MS = 2_000;

/** What does not work, in one line; undefined: nothing. */
export type Health = () => string | undefined;

export class MetricsServer {
  readonly #server: Server;
  readonly #metrics: Metrics;
  readonly #health: Health;
  readonly #answerMs: number;

  private constructor(source: MetricsSource, health: Health, answerMs: number) {
    this.#answerMs = answerMs;
    this.#metrics = new Metrics(source);
    this.#health = health;
    this.#server = createServer(
      { maxHeaderSize: HEADER_MAX_BYTES, requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: IDLE_MS },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** `where` is `host:port`, the host in brackets if it is IPv6. Throws `METRICS_LISTEN`. */
  static listen(where: string, source: MetricsSource, health: Health, answerMs = ANSWER_MS): Promise<MetricsServer> {
    const { hostname, port } = new URL(`http://${where}`);
    const host = hostname.replace(/^\[|\]$/g, '');
    const metrics = new MetricsServer(source, health, answerMs);
    return new Promise((resolve, reject) => {
      metrics.#server.once('error', (cause: NodeJS.ErrnoException) => {
        const why = cause.code === 'EADDRINUSE' ? 'another process uses this port' : cause.message;
        reject(new RatatoskError('METRICS_LISTEN', `Cannot serve metrics on ${where}: ${why}`, { cause }));
      });
      // `URL` leaves out the port that is usual for its scheme.
      metrics.#server.listen({ host, port: port === '' ? 80 : Number(port) }, () => resolve(metrics));
    });
  }

  /** For `…:0`. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = url.split('?')[0];
    if (method !== 'GET' && method !== 'HEAD') return say(response, 405, 'only GET and HEAD\n', { Allow: 'GET, HEAD' });
    if (path !== '/metrics' && path !== '/healthz') return say(response, 404, 'there are /metrics and /healthz\n');
    const text = await within(this.#answerMs, this.#metrics.text()).catch((error: unknown) => error);
    if (typeof text !== 'string') return say(response, 503, 'the router thread does not answer\n');
    if (path === '/metrics') return say(response, 200, text, { 'Content-Type': this.#metrics.contentType });
    const problem = this.#health();
    say(response, problem === undefined ? 200 : 503, `${problem ?? 'ok'}\n`);
  }
}

function say(response: ServerResponse, code: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(code, { 'Content-Type': 'text/plain; charset=utf-8', ...headers }).end(text);
}

async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('too late')), ms);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
