/** The listeners of the configuration: ours and answering, or free to be had. */
import { createSocket } from 'node:dgram';
import { connect, createServer, type ListenOptions } from 'node:net';
import { RatatoskError } from '../../core/error.ts';
import type { LinkUri } from '../../links/link.ts';
import { isDatagram, isModem } from '../../links/schemes.ts';
import { parseUri } from '../../links/uri.ts';
import { type Check, type Finding, failed, ok, type Scene, skipped } from './finding.ts';

const ANSWER_MS = 2_000;

/** `code`: why it cannot be had, or does not answer, as the system says it. */
export type PortFacts = {
  readonly uri: string;
  readonly state: 'answers' | 'free' | 'silent' | 'not listening' | 'not to be had';
  readonly code?: string | undefined;
};

export const ports: Check = {
  name: 'listeners',
  look: async (scene) => {
    const wanted = (scene.loaded?.config.Listen ?? []).flatMap(parsed).filter(({ scheme }) => !isModem(scheme));
    const metrics = scene.daemon?.status.metrics;
    const trouble = metrics?.problem === undefined ? [] : [failed(metrics.problem)];
    if (wanted.length === 0) return [...trouble, skipped('none: others cannot connect here (Listen)')];
    return [...trouble, ...(await Promise.all(wanted.map((uri) => portFacts(uri, scene)))).map(portFinding)];
  },
};

export function portFinding({ uri, state, code }: PortFacts): Finding {
  switch (state) {
    case 'answers':
      return ok(`${uri} is open`);
    case 'free':
      return ok(`${uri} is free`);
    case 'silent':
      return failed(`${uri} is open and does not answer (${code})`, 'see the rules of this machine: nft list ruleset');
    case 'not listening':
      return failed(
        `the daemon does not listen on ${uri}${code === undefined ? '' : `: ${reason(code)}`}`,
        remedyOf(code),
      );
    case 'not to be had':
      return failed(`${uri} cannot be listened on: ${reason(code)}`, remedyOf(code));
  }
}

function reason(code = ''): string {
  if (code === 'EADDRINUSE') return 'another program has the port';
  if (code === 'EACCES') return 'no right to so low a port';
  if (code === 'EADDRNOTAVAIL') return 'this machine has no such address';
  return code;
}

function remedyOf(code = ''): string | undefined {
  if (code === 'EADDRINUSE') return '`ss -lntup` tells which; end it, or choose another port';
  if (code === 'EACCES') return 'choose a port of 1024 and more';
  if (code === 'EADDRNOTAVAIL') return '`ip addr` tells which it has; [::] is all of them';
  return undefined;
}

function parsed(uri: string): LinkUri[] {
  try {
    return [parseUri(uri, 'listen')];
  } catch (error) {
    // Said where the configuration is checked.
    if (error instanceof RatatoskError) return [];
    throw error;
  }
}

async function portFacts(uri: LinkUri, { daemon }: Scene): Promise<PortFacts> {
  const { name } = uri;
  if (daemon === undefined) {
    const code = await bindingProblem(uri);
    return code === undefined ? { uri: name, state: 'free' } : { uri: name, state: 'not to be had', code };
  }
  const open = daemon.status.listening.flatMap(parsed).find((other) => isSame(uri, other));
  if (open === undefined) return { uri: name, state: 'not listening', code: await bindingProblem(uri) };
  const code = await answerProblem(open);
  return code === undefined ? { uri: open.name, state: 'answers' } : { uri: open.name, state: 'silent', code };
}

/** What is wanted may leave the port to the system. */
function isSame(wanted: LinkUri, open: LinkUri): boolean {
  if (wanted.scheme !== open.scheme || wanted.path !== open.path) return false;
  return wanted.port === 0 || wanted.port === open.port;
}

const placeOf = ({ scheme, host, port, path }: LinkUri): ListenOptions => {
  if (scheme === 'unix') return { path };
  return { port, host: host === '' ? '::' : host };
};

/** The code of the error; undefined: it can be had. */
async function bindingProblem(uri: LinkUri): Promise<string | undefined> {
  // The file of one that has ended is removed by the next.
  if (uri.scheme === 'unix') return undefined;
  return new Promise((resolve) => {
    const told = (error: NodeJS.ErrnoException): void => resolve(error.code ?? error.message);
    if (isDatagram(uri.scheme)) {
      const socket = createSocket(uri.host.includes(':') || uri.host === '' ? 'udp6' : 'udp4');
      socket.once('error', told);
      socket.bind({ port: uri.port, address: uri.host === '' ? '::' : uri.host }, () =>
        socket.close(() => resolve(undefined)),
      );
      return;
    }
    const server = createServer();
    server.once('error', told);
    server.listen(placeOf(uri), () => server.close(() => resolve(undefined)));
  });
}

/** Of what takes connections. */
async function answerProblem(uri: LinkUri): Promise<string | undefined> {
  if (isDatagram(uri.scheme)) return undefined;
  const { host = '::', ...place } = placeOf(uri);
  const near = host === '::' ? '::1' : host === '0.0.0.0' ? '127.0.0.1' : host;
  return new Promise((resolve) => {
    const socket = connect({ ...place, host: near } as never);
    const done = (code: string | undefined): void => {
      socket.destroy();
      resolve(code);
    };
    socket.setTimeout(ANSWER_MS, () => done('ETIMEDOUT'));
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    socket.once('connect', () => done(undefined));
  });
}
