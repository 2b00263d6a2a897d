import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type HopAnswer,
  isHopMessage,
  readHopAnswer,
  readHopQuestion,
  writeHopAnswer,
  writeHopQuestion,
} from '../../daemon/wire/hop.ts';
import { pathPorts } from '../../daemon/wire/path.ts';
import { readQuery } from '../../daemon/wire/query.ts';
import { repoRoot } from '../support/places.ts';
import { anyKey, anyPath, anyRecord, anyU32, encodePorts, keepsItsPromises } from './wire-property.ts';
import { hex, octets } from './wire-vectors.ts';

type State = HopAnswer['state'];
const vectors = JSON.parse(readFileSync(join(repoRoot, 'test/vectors/hops.json'), 'utf8')) as {
  questions: { token: number; watermark: number; dest: string; ports: string[]; packet: string }[];
  answers: { token: number; state: State; distance: number; next: string | null; packet: string }[];
  rejected: { why: string; packet: string }[];
};

const anyU16 = fc.nat({ max: 0xffff });
const anyQuestion = anyRecord({ token: anyU32, watermark: anyU16, dest: anyKey, path: anyPath });
const anyEnd = fc.constantFrom('here' as const, 'dead end' as const);
const anyAnswer: fc.Arbitrary<HopAnswer> = fc.oneof(
  anyRecord({ token: anyU32, state: anyEnd, distance: anyU16, next: fc.constant(undefined) }),
  anyRecord({ token: anyU32, state: fc.constant('next' as const), distance: anyU16, next: anyKey }),
);

test('reads and writes every question and answer of the vectors', () => {
  for (const { token, watermark, dest, ports, packet } of vectors.questions) {
    const question = { token, watermark, dest: octets(dest), path: encodePorts(ports.map(BigInt)) };
    assert.equal(hex(writeHopQuestion(question)), packet);
    assert.deepEqual(readHopQuestion(octets(packet)), question);
    assert.deepEqual(pathPorts(question.path), ports);
    assert.equal(readHopAnswer(octets(packet)), undefined);
  }
  for (const { token, state, distance, next, packet } of vectors.answers) {
    const answer = { token, state, distance, next: next === null ? undefined : octets(next) } as HopAnswer;
    assert.equal(hex(writeHopAnswer(answer)), packet);
    assert.deepEqual(readHopAnswer(octets(packet)), answer);
    assert.equal(readHopQuestion(octets(packet)), undefined);
  }
});

test('refuses every packet that the vectors call wrong', () => {
  for (const { why, packet } of vectors.rejected) {
    assert.equal(readHopQuestion(octets(packet)), undefined, why);
    assert.equal(readHopAnswer(octets(packet)), undefined, why);
  }
});

test('gives back any question and any answer it wrote', () => {
  fc.assert(
    fc.property(anyQuestion, (question) => assert.deepEqual(readHopQuestion(writeHopQuestion(question)), question)),
  );
  fc.assert(fc.property(anyAnswer, (answer) => assert.deepEqual(readHopAnswer(writeHopAnswer(answer)), answer)));
});

test('no answer is larger than the smallest question', () => {
  fc.assert(
    fc.property(anyAnswer, anyQuestion, (answer, question) => {
      assert.ok(writeHopAnswer(answer).length <= writeHopQuestion({ ...question, path: new Uint8Array(0) }).length);
    }),
  );
});

test('is told from all other application packets by two octets', () => {
  for (const [packet, isIt] of [
    ['0254', true],
    ['0255', true],
    ['0253', false],
    ['0256', false],
    ['0154', false],
    ['02', false],
    ['', false],
  ] as const) {
    assert.equal(isHopMessage(octets(packet), 0, packet.length / 2), isIt, packet);
    assert.equal(readQuery(octets(packet)), undefined);
  }
});

test('decodes arbitrary octets without throwing or copying', () => {
  keepsItsPromises(readHopQuestion, anyQuestion.map(writeHopQuestion));
  keepsItsPromises(readHopAnswer, anyAnswer.map(writeHopAnswer));
});
