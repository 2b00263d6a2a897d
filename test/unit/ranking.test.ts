import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Ranked, Ranking } from '../../daemon/core/ranking.ts';

type Entry = Ranked & { readonly name: number; octets: number };

function entries(octets: readonly number[]): Entry[] {
  return octets.map((count, name) => ({ name, octets: count, countedBytes: 0, activity: 0 }));
}

const names = (chosen: readonly Entry[]): number[] => chosen.map(({ name }) => name);

test('the busiest come first, and of those alike the first in the list', () => {
  const ranking = new Ranking<Entry>(({ octets }) => octets);
  const all = entries([5, 9, 0, 9, 7]);
  assert.deepEqual(names(ranking.busiest(all, 3, 0)), [1, 3, 4]);
  assert.deepEqual(names(ranking.busiest(all, 4, 0)), [1, 3, 4, 0]);
  assert.deepEqual(names(ranking.busiest(all, 9, 0)), [1, 3, 4, 0, 2]);
  assert.deepEqual(ranking.busiest(all, 0, 0), []);
  assert.deepEqual(ranking.busiest([], 5, 0), []);
});

test('what has moved long ago counts less than what moves now', () => {
  const ranking = new Ranking<Entry>(({ octets }) => octets);
  const [old, young] = entries([1_000, 0]) as [Entry, Entry];
  assert.deepEqual(names(ranking.busiest([old, young], 1, 0)), [0]);
  young.octets = 300;
  assert.deepEqual(names(ranking.busiest([old, young], 1, 1_000)), [0], 'a burst alone changes nothing');
  assert.deepEqual(names(ranking.busiest([old, young], 1, 60_000)), [0], 'both have faded alike');
  young.octets += 300;
  assert.deepEqual(names(ranking.busiest([old, young], 1, 61_000)), [1]);
});

test('chooses as many as there may be, none of which is less busy than one left out', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), fc.nat(30), (octets, most) => {
      const all = entries(octets);
      const chosen = new Set(names(new Ranking<Entry>((entry) => entry.octets).busiest(all, most, 0)));
      assert.equal(chosen.size, Math.min(most, all.length));
      const least = Math.min(...[...chosen].map((name) => octets[name] as number));
      for (const { name } of all) assert.ok(chosen.has(name) || (octets[name] as number) <= least);
    }),
  );
});
