/**
 * A client of the admin socket (section 7.1 of the protocol reference), and the shapes the tests look at.
 */
import { connect } from 'node:net';

export type AdminArguments = Record<string, string>;

export type AdminResponse = {
  status: 'success' | 'error';
  error?: string;
  request: unknown;
  response: Record<string, unknown> | null;
};

export type SelfAnswer = {
  build_name: string;
  build_version: string;
  key: string;
  address: string;
  subnet: string;
  routing_entries: number;
};

export type PeerAnswer = {
  remote?: string;
  up: boolean;
  inbound: boolean;
  address?: string;
  key: string;
  port: number;
  priority: number;
  cost: number;
  last_error?: string;
};

export type TreeAnswer = { address: string; key: string; parent: string; sequence: number };

/** One request on a connection of its own; gives the whole answer. */
export async function adminExchange(path: string, request: string, name: AdminArguments = {}): Promise<AdminResponse> {
  return JSON.parse(await adminOctets(path, JSON.stringify({ request, arguments: name })));
}

/** One request; gives its response member, throws on an error answer. */
export async function adminRequest<T>(path: string, request: string, name: AdminArguments = {}): Promise<T> {
  const answer = await adminExchange(path, request, name);
  if (answer.status !== 'success') throw new Error(`${request}: ${answer.error}`);
  return answer.response as T;
}

/** Sends text as it is and reads until the daemon closes. */
export function adminOctets(path: string, text: string, limitMs = 10_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    let answer = '';
    socket.setEncoding('utf8');
    socket.setTimeout(limitMs, () => socket.destroy(new Error(`no answer from the admin socket in ${limitMs} ms`)));
    socket.on('connect', () => socket.write(text));
    socket.on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}
