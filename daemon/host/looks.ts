/**
 * What can be subscribed to, and how it is looked at. That time passes changes nothing: where a member only tells how long ago
 * something was, its moment counts, to the second.
 */
import type { CallContext } from './admin-call.ts';
import type { PeerAnswer, RowId, Topic } from './answers.ts';
import { type Follow, followTable, followValue, type TableLook, type ValueLook } from './changes.ts';
import type { PeerRow } from './commands.ts';
import { radioJson } from './radio-json.ts';
import { pathJson, peerJson, sessionJson, treeJson } from './rows.ts';
import { SharedLook } from './shared-look.ts';
import { statsAnswer } from './stats-json.ts';

export type StateTopic = Exclude<Topic, 'events'>;

export function openLooks(context: CallContext): Readonly<Record<StateTopic, Follow>> {
  const { ask } = context;
  const status = value(context.status, ({ uptime: _, ...rest }) => JSON.stringify(rest));
  const stats = value(
    () => statsAnswer(context),
    (taken) => JSON.stringify(taken),
  );
  const firewall = value(
    async () => context.firewall.latest(),
    (taken) => JSON.stringify(taken),
  );
  const peers = new SharedLook(async (most) => {
    const { rows, total } = await ask('busiestPeers', { most });
    return look(withIds(context, rows), total, ({ uptime: _, last_error_time: ago = 0, ...rest }, nowMs) =>
      JSON.stringify([rest, second(nowMs - ago / 1e6)]),
    );
  });
  const sessions = new SharedLook(async (most) => {
    const { rows, total } = await ask('busiestSessions', { most });
    const told = rows.map((row) => sessionJson(context, row)).map((row) => ({ ...row, id: `${row.kind} ${row.key}` }));
    return look(told, total, ({ uptime, key_age: age = 0, bytes_recvd: received, bytes_sent: sent, kind }, nowMs) =>
      [kind, received, sent, second(nowMs - uptime * 1_000), second(nowMs - age * 1_000)].join(' '),
    );
  });
  const paths = new SharedLook(async (most) => {
    const { rows, total } = await ask('busiestPaths', { most });
    const told = rows.map((row) => byKey(pathJson(context, row)));
    return look(told, total, ({ path, sequence }) => `${path.join(' ')} ${sequence}`);
  });
  const tree = new SharedLook(async (most) => {
    const { rows, total } = await ask('nearestTree', { most });
    const told = rows.map((row) => byKey(treeJson(context, row)));
    return look(told, total, ({ parent, sequence }) => `${parent} ${sequence}`);
  });
  const radio = new SharedLook(async () => {
    const radios = await ask('radios', {});
    const told = radios.map(radioJson).map((row) => ({ ...row, id: row.remote }));
    return look(told, told.length, (row) => JSON.stringify(row));
  });
  return {
    status: followValue(status, (push) => ({ topic: 'status', ...push })),
    stats: followValue(stats, (push) => ({ topic: 'stats', ...push })),
    firewall: followValue(firewall, (push) => ({ topic: 'firewall', ...push })),
    peers: followTable(peers, (part) => ({ topic: 'peers', ...part })),
    sessions: followTable(sessions, (part) => ({ topic: 'sessions', ...part })),
    paths: followTable(paths, (part) => ({ topic: 'paths', ...part })),
    tree: followTable(tree, (part) => ({ topic: 'tree', ...part })),
    radio: followTable(radio, (part) => ({ topic: 'radio', ...part })),
  };
}

function value<Value>(take: () => Promise<Value>, markOf: (value: Value) => string): SharedLook<ValueLook<Value>> {
  return new SharedLook(async () => {
    const taken = await take();
    return { unixMs: Date.now(), value: taken, mark: markOf(taken) };
  });
}

function look<Row>(
  rows: readonly (Row & RowId)[],
  total: number,
  markOf: (row: Row & RowId, unixMs: number) => string,
): TableLook<Row> {
  const unixMs = Date.now();
  return { unixMs, total, rows: rows.map((row) => ({ row, mark: markOf(row, unixMs) })) };
}

function byKey<Row extends { readonly key: string }>(row: Row): Row & RowId {
  return { ...row, id: row.key };
}

/** What is configured and down goes first: an operator waits for it. Of several links with one URI all but one are numbered. */
function withIds(context: CallContext, rows: readonly PeerRow[]): (PeerAnswer & RowId)[] {
  const isMissed = ({ isUp, isConfigured }: PeerRow): boolean => isConfigured && !isUp;
  const taken = new Set<string>();
  return [...rows.filter(isMissed), ...rows.filter((row) => !isMissed(row))].map((row) => {
    const id = row.uri === '' || taken.has(row.uri) ? `${row.uri}#${row.link?.link ?? taken.size}` : row.uri;
    taken.add(id);
    return { ...peerJson(context, row), id };
  });
}

function second(unixMs: number): number {
  return Math.round(unixMs / 1_000);
}
