/** Filters, windows, queues and keys. */
import { bench, do_not_optimize, group } from 'mitata';
import { BufferPool } from '../../daemon/core/pool.ts';
import type { Crypto } from '../../daemon/core/port.ts';
import { FairQueue } from '../../daemon/core/queue.ts';
import { ReplayWindow } from '../../daemon/core/replay-window.ts';
import { filterAdd, filterHas, filterMerge, filterPositions } from '../../daemon/core/routing/bloom.ts';
import { emptyFilter } from '../../daemon/wire/filter.ts';

const QUEUED = 64;
const QUEUED_OCTETS = 1_400;

export function parts(crypto: Crypto): void {
  const item = new Uint8Array(32).fill(7);
  group('bloom', () => {
    const positions = filterPositions(item);
    const filter = emptyFilter();
    const other = emptyFilter();
    filterAdd(other, positions);
    bench('positions of an item', () => do_not_optimize(filterPositions(item)));
    bench('ask a filter', () => do_not_optimize(filterHas(filter, positions)));
    bench('add to a filter', () => do_not_optimize(filterAdd(filter, positions)));
    bench('merge two filters', () => do_not_optimize(filterMerge(filter, other)));
  });
  group('replay window', () => {
    const window = new ReplayWindow(1_024);
    let nonce = 0;
    bench('next nonce', () => {
      nonce++;
      if (window.isNew(0, nonce)) window.accept(0, nonce);
    });
    bench('a nonce again', () => do_not_optimize(window.isNew(0, nonce)));
  });
  group(`queue, ${QUEUED} packets in and out`, () => {
    for (const flows of [1, 16, 64]) {
      const pool = new BufferPool();
      const queue = new FairQueue(QUEUED * QUEUED_OCTETS * 2, pool, () => {});
      const target = new Uint8Array(QUEUED_OCTETS);
      bench(`${flows} flows`, () => {
        for (let i = 0; i < QUEUED; i++) queue.push(QUEUED_OCTETS, i % flows, 0, 1);
        for (let i = 0; i < QUEUED; i++) queue.popInto(target, 0);
        pool.settle();
      });
    }
  });
  group('keys', () => {
    const key = crypto.ed25519Signer(item).publicKey;
    const form = crypto.x25519FromEd25519(key) ?? item;
    bench('X25519 form of a key', () => do_not_optimize(crypto.x25519FromEd25519(key)));
    bench('key of an X25519 form', () => do_not_optimize(crypto.ed25519FromX25519(form, 0)));
    bench('X25519', () => do_not_optimize(crypto.x25519(item, form)));
  });
}
