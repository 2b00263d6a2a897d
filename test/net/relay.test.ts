import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withLab } from '../support/lab.ts';
import { needs, needsRoot, needsTool, needsTun } from '../support/needs.ts';
import { ping } from '../support/ping.ts';

const skip = needs(needsRoot(), needsTun(), needsTool('ip', 'python3'));

test('a relay loses its share of the packets and delays the others', { skip }, (t) =>
  withLab(async (lab) => {
    const [near, far] = [await lab.netns('near'), await lab.netns('far')];
    const cable = await lab.relay(near, far, { loss: 0.1, delayMs: 20, seed: 5 });
    const a = { netns: near, address: cable.a.ipv6, label: 'a' };
    const b = { netns: far, address: cable.b.ipv6, label: 'b' };
    const { sent, received, answers } = await ping(a, b, { count: 400, intervalMs: 5 });
    const share = received / sent;
    t.diagnostic(`${sent - received} of ${sent} lost`);
    // 0.81 both ways; four standard deviations of 400 tries are 0.08.
    assert.ok(share > 0.73 && share < 0.89, `${share} came back`);
    assert.ok(answers.every(({ rttMs }) => rttMs >= 40));
  })(t),
);
