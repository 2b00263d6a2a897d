import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Kept,
  NOTHING_KEPT,
  parseRule,
  prune,
  type Rule,
  rulesAcross,
  ruleText,
  setRules,
  withAllowed,
  withDenied,
} from '../../daemon/host/firewall-rules.ts';

function rule(text: string): Rule {
  return parseRule(text) ?? assert.fail(`no rule: ${text}`);
}

const open = (configured: readonly string[], kept: Kept): string[] =>
  setRules(configured, kept)
    .filter(({ isDenied }) => !isDenied)
    .map((set) => ruleText(set.rule));

test('reads ports, ranges, protocols and targets, and writes what is the same in the same way', () => {
  for (const [text, expected] of [
    ['22', '22'],
    ['22/tcp', '22'],
    ['0022', '22'],
    ['5353/UDP', '5353/udp'],
    ['60000-61000/udp', '60000-61000/udp'],
    ['7-7', '7'],
    ['80 from laptop', '80 from laptop'],
    ['  80   FROM   Laptop ', '80 from laptop'],
    ['80 from 0300:0001::0/64', '80 from 300:1::/64'],
    ['80 from 200:0:0:0:0:0:0:1', '80 from 200::1'],
    [`80 from ${'AB'.repeat(32)}`, `80 from ${'ab'.repeat(32)}`],
  ] as const) {
    assert.equal(ruleText(rule(text)), expected);
  }
});

test('takes nothing else for a rule', () => {
  const wrong = ['', ' ', '0', '65536', '9-8', '1-65536', '-5', '22/sctp', '22/', 'ssh', '22 80', '22,80', '22 from'];
  for (const text of [...wrong, '22 from a b', 'from a', '22 to a', '123456', '22\n23', '22;drop', '1.5', '0x16']) {
    assert.equal(parseRule(text), undefined, JSON.stringify(text));
  }
});

test('never throws, and what it takes it writes in letters that need no quotes but for the target', () => {
  const nearly = fc.stringMatching(/^ ?[0-9]{1,6}(-[0-9]{1,6})?(\/(tcp|udp|x))?( from \S{0,9})?$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), nearly), (text) => {
      const parsed = parseRule(text);
      if (parsed === undefined) return;
      const written = ruleText(parsed);
      assert.equal(ruleText(rule(written)), written);
      assert.match(written.split(' from ')[0] ?? '', /^\d{1,5}(-\d{1,5})?(\/udp)?$/);
    }),
  );
});

test('what a command allows comes beside the configuration, and once only', () => {
  const kept = withAllowed(rule('80'), ['22'], NOTHING_KEPT);
  assert.deepEqual(open(['22'], kept), ['22', '80']);
  assert.deepEqual(withAllowed(rule('80/tcp'), ['22'], kept), kept);
  assert.deepEqual(withAllowed(rule('22/tcp'), ['22'], NOTHING_KEPT), NOTHING_KEPT);
});

test('deny takes back what commands and the configuration allow, and allow gives it again', () => {
  const configured = ['22', '22 from laptop', '80', '22/udp'];
  const allowed = withAllowed(rule('22 from 200::1'), configured, NOTHING_KEPT);
  const denied = withDenied(rule('22'), configured, allowed);
  assert.deepEqual(open(configured, denied), ['80', '22/udp']);
  assert.deepEqual(denied, { allow: [], deny: ['22', '22 from laptop'] });
  assert.deepEqual(open(configured, withAllowed(rule('22 from laptop'), configured, denied)), [
    '22 from laptop',
    '80',
    '22/udp',
  ]);
});

test('deny with a target takes back the rule for that target only', () => {
  const configured = ['22', '22 from laptop'];
  assert.deepEqual(open(configured, withDenied(rule('22 from laptop'), configured, NOTHING_KEPT)), ['22']);
});

test('forgets what the configuration has made pointless, so that writing a rule anew opens it', () => {
  const denied = withDenied(rule('22'), ['22'], NOTHING_KEPT);
  assert.deepEqual(prune(['22'], denied), denied);
  assert.deepEqual(open(['22'], prune([], denied)), ['22']);
  assert.deepEqual(prune(['80/tcp'], { allow: ['80', '81'], deny: [] }), { allow: ['81'], deny: [] });
});

test('finds the rules that share a port', () => {
  const rules = setRules(['20-30', '22 from laptop', '22/udp', '31'], NOTHING_KEPT);
  assert.deepEqual(rulesAcross(rule('22'), rules).map(ruleText), ['20-30', '22 from laptop']);
  assert.deepEqual(rulesAcross(rule('30-31'), rules).map(ruleText), ['20-30', '31']);
});

test('after allow a rule is open and after deny it is not, whatever came before', () => {
  const texts = fc.constantFrom('22', '22/udp', '22 from a', '80', '80 from b', '20-30');
  const acts = fc.array(fc.tuple(fc.boolean(), texts), { maxLength: 20 });
  fc.assert(
    fc.property(fc.array(texts, { maxLength: 4 }), acts, (configured, list) => {
      let kept = NOTHING_KEPT;
      for (const [isAllow, text] of list) {
        kept = (isAllow ? withAllowed : withDenied)(rule(text), configured, kept);
        assert.equal(open(configured, kept).includes(text), isAllow);
        assert.deepEqual(prune(configured, kept), kept);
      }
    }),
  );
});
