/** Admin requests about other nodes: asked of them through the mesh, answered here (sections 6.1 and 7.1). */
import { RatatoskError } from '../core/error.ts';
import type { QueryTopic } from '../core/port.ts';
import { readKeys } from '../wire/query.ts';
import { addressText, hexText } from './address.ts';
import { acting, type Call, type CallContext, theirs } from './admin-call.ts';
import type { AdminArguments } from './admin-request.ts';
import type { Answers, ForeignAnswer } from './answers.ts';
import { readForeignJson } from './foreign-json.ts';

type RemoteName = Extract<keyof Answers, 'getNodeInfo' | `debug_remote${string}`>;

export function remoteCalls(context: CallContext): Call[] {
  // They make this node send.
  const call = (name: RemoteName, description: string, run: (key: Uint8Array) => Promise<ForeignAnswer>): Call =>
    acting(theirs(name, description, (args) => run(keyOf(args)), 'key'));
  const json = async (key: Uint8Array, topic: QueryTopic): Promise<ForeignAnswer> => {
    const answer = readForeignJson(await context.ask('query', { key, topic }));
    return answer ?? fail(key, 'no JSON object of at most 8 levels');
  };
  const list = async (key: Uint8Array, topic: QueryTopic): Promise<ForeignAnswer> => {
    const keys = readKeys(await context.ask('query', { key, topic }));
    if (keys === undefined) return fail(key, 'no list of keys');
    const answer = keys.length === 0 ? {} : { keys: keys.map(hexText) };
    return { [addressText(context.addressOf(key))]: answer };
  };
  return [
    call('getNodeInfo', 'Ask a node what it tells about itself', async (key) => ({
      [hexText(key)]: await json(key, 'nodeInfo'),
    })),
    call('debug_remoteGetSelf', 'Ask a node for its key and the size of its tree', async (key) => ({
      [addressText(context.addressOf(key))]: await json(key, 'self'),
    })),
    call('debug_remoteGetPeers', 'Ask a node whom it is linked to', (key) => list(key, 'peers')),
    call('debug_remoteGetTree', 'Ask a node for its part of the tree', (key) => list(key, 'tree')),
  ];
}

function keyOf(args: AdminArguments): Uint8Array {
  const hex = args.get('key') ?? '';
  if (hex === '') throw new RatatoskError('ARGUMENTS', 'arguments: key is missing');
  if (!/^[0-9a-f]{64}$/i.test(hex)) {
    throw new RatatoskError('ARGUMENTS', 'arguments: key must be a public key of 64 hexadecimal digits');
  }
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

function fail(key: Uint8Array, problem: string): never {
  throw new RatatoskError('ANSWER_MALFORMED', `the answer of ${hexText(key)} is ${problem}`);
}
