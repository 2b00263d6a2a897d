import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hidden } from '../../tui/hiding.ts';
import { Model } from '../../tui/model.ts';
import { modelOf, TestScreen } from '../support/top-screen.ts';
import { sessionAddress, sessionEntries, sessionKey } from '../support/top-session.ts';

const model = modelOf(sessionEntries());

test('with P no view, no detail and no line of problems shows an address, a key or a host', () => {
  const secrets = Array.from({ length: 15 }, (_, n) => [
    sessionKey(n).slice(0, 12),
    sessionAddress(n).slice(0, 14),
  ]).flat();
  secrets.push(
    'mesh.example',
    'cellar',
    '203.0.113',
    '198.51.100',
    'fd00:5',
    '300:1a2b',
    'lighthouse',
    'ratatosk.sock',
  );
  for (const [width, height] of [
    [80, 24],
    [200, 60],
  ]) {
    for (const view of '01234567') {
      const screen = new TestScreen(model, { width, height } as { width: number; height: number }).press('S-p', view);
      const texts = [screen.text];
      for (let row = 0; row < 14; row++) texts.push(screen.press('enter').text, screen.press('escape', 'down').text);
      for (const text of texts)
        for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} in\n${text}`);
    }
  }
});

test('one thing has one name, and what is no address stays', () => {
  const { ui } = new TestScreen(new Model()).press('S-p');
  const text =
    'tls://a.example:443 to 200:1:2:3:4:5:6:7 from a.example 12:03:52 tls://a.example:443 fd00::1%eth0 10.0.0.1';
  assert.equal(hidden(ui, text), 'tls://host-4:443 to addr-1 from a.example 12:03:52 tls://host-4:443 addr-2 addr-3');
  ui.isHidden = false;
  assert.equal(hidden(ui, text), text);
});

test('serial numbers of modems are hidden, the HOST of a help text is not', () => {
  const { ui } = new TestScreen(new Model()).press('S-p');
  const text = 'rnode:///dev/serial/by-id/usb-Heltec_0123?sf=7, or `ratatosk peer add tcp://HOST:PORT`';
  assert.equal(hidden(ui, text), 'rnode:///dev/serial/by-id/device-1?sf=7, or `ratatosk peer add tcp://HOST:PORT`');
});
