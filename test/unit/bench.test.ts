import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseSystems } from '../../bench/net/choice.ts';
import { judged } from '../../bench/net/goals.ts';
import { digest, type Result, ratio } from '../../bench/net/result.ts';
import { percentile, short, summarise, table } from '../../bench/net/statistics.ts';
import { VETH } from '../../bench/net/systems/veth.ts';

const ids = (only: string[], against: string[], base?: string): string[] =>
  chooseSystems(only, against, base).map(({ id }) => id);

test('percentiles interpolate between samples', () => {
  assert.equal(percentile([1, 2, 3, 4], 0.5), 2.5);
  assert.equal(percentile([7], 0.99), 7);
  assert.ok(Number.isNaN(percentile([], 0.5)));
});

test('a summary does not depend on the order of its samples', () => {
  const { median, min, max } = summarise([3, 1, 2]);
  assert.deepEqual([median, min, max], [2, 1, 3]);
});

test('numbers are shown with three digits and without an exponent', () => {
  assert.deepEqual([1234.5, 12.345, 0.0123456, Number.NaN].map(short), ['1235', '12.3', '0.012', '-']);
});

test('a ratio above one is better, also where less is better', () => {
  assert.equal(ratio(6, 3, true), 2);
  assert.equal(ratio(3, 6, false), 2);
});

test('columns are as wide as their widest cell', () => {
  assert.equal(
    table([
      ['a', '1'],
      ['bb', '10'],
    ]),
    'a    1\nbb  10\n',
  );
});

test('yggdrasil runs over the same ways, each once, and over tcp beside udp', () => {
  assert.deepEqual(ids(['tcp', 'udp', 'ws3'], ['yggdrasil']), [
    'veth',
    'yggdrasil-tcp',
    'yggdrasil-ws3',
    'tcp',
    'udp',
    'ws3',
  ]);
});

test('another checkout runs right beside ours', () => {
  assert.deepEqual(ids(['tcp'], [], '/elsewhere'), ['veth', 'tcp', 'base tcp']);
});

test('a word that means nothing is named, and what was expected', () => {
  assert.throws(() => ids(['carrier-pigeon'], []), /--only: found carrier-pigeon, expected tcp/);
  assert.throws(() => ids(['tcp'], ['openvpn']), /--against: found openvpn, expected yggdrasil/);
});

test('a round that failed counts, and a figure that is no number does not', () => {
  const measured = digest(VETH, [{ tcpGbit: 4, tcpCpuPerGb: Number.NaN }, undefined, { tcpGbit: 2 }]);
  assert.equal(measured.failures, 1);
  assert.equal(measured.figures.tcpGbit?.median, 3);
  assert.equal(measured.figures.tcpCpuPerGb, undefined);
});

test('goals tell apart what is below the floor, at the floor and at the aim', () => {
  const word = (gbit: number): string => judged(resultOf(gbit)).split(' ')[0] ?? '';
  assert.deepEqual([4, 5, 6].map(word), ['below', 'floor', 'met']);
});

test('a goal whose system has failed is missing, not forgotten', () => {
  const { systems, ...rest } = resultOf(5);
  const failed = digest(VETH, [undefined]);
  for (const id of ['tcp', 'yggdrasil-tcp']) {
    assert.match(judged({ ...rest, systems: { ...systems, [id]: failed } }), /^missing +TCP Gbit\/s, tcp/);
  }
  assert.equal(judged({ ...rest, systems: { tcp: failed } }), judged({ ...rest, systems: {} }));
});

function resultOf(tcpGbit: number): Result {
  const measured = (value: number) => digest(VETH, [{ tcpGbit: value }]);
  const systems = { tcp: measured(tcpGbit), 'yggdrasil-tcp': measured(1) };
  return { machine: {}, rounds: 1, seconds: 1, systems };
}
