import assert from 'node:assert/strict';
import { test } from 'node:test';
import { radioLines } from '../../daemon/cli/radio.ts';
import type { AirFacts, RadioInfo } from '../../daemon/core/port.ts';
import { HOUR_MS } from '../../daemon/core/radio/ledger.ts';
import { Ledgers } from '../../daemon/core/radio/ledgers.ts';
import { newCounts } from '../../daemon/core/radio/transmitter.ts';
import type { RadioAnswer } from '../../daemon/host/answers.ts';
import { radioJson } from '../../daemon/host/radio-json.ts';
import { AIR } from './radio-fixture.ts';

const URI = 'rnode:///dev/serial/by-id/usb-Silicon_Labs_CP2102_USB_to_UART_Bridge_Controller_0001-if00-port0';

/** A radio that has sent all it may for the moment. */
function busy(changes: Partial<AirFacts> = {}): RadioInfo {
  const radio = new Ledgers([]).transmitter({ ...AIR, ...changes }, 254, 0);
  let nowMs = 0;
  for (; radio.roomMs('bulk', nowMs) >= 416; nowMs += 420) {
    radio.sent('bulk', 416, nowMs);
    radio.settled(nowMs + 416);
  }
  radio.reported({ rssi: -97, snr: 6.25, noiseFloor: -118 });
  radio.reported({ rssi: -96, channelLoad: 0.12 });
  radio.refused.bulk = 3;
  return radio.info(URI, { ...newCounts(), bulk: 1_414 }, nowMs);
}

/** As it comes through the admin socket. */
const told = (info: RadioInfo): RadioAnswer => JSON.parse(JSON.stringify(radioJson(info)));

test('shows what is set, heard, used, waiting and held back, within 80 columns', () => {
  const lines = radioLines(told(busy()));
  for (const line of lines) assert.ok([...line].length <= 80, line);
  const text = lines.join('\n');
  assert.match(text, /set to SF7, 125 kHz, 4\/5, 254 octets take 416 ms/);
  assert.match(text, /hears {2}-96 dBm, SNR 6.3 dB, noise -118 dBm, channel busy 12 %/);
  assert.match(text, /limit {2}1 %: \d\.\d s of 36 s used \(\d+\.\d+ %\), /);
  assert.match(text, /share {2}at most 25 % of the channel in any 15 s/);
  assert.match(text, /^ +answer +0 s +0 B +now +0$/m);
  assert.match(text, /^ +bulk +\d\.\d s +1\.4 KB +again in \d+s +3$/m);
});

test('a radio that nothing limits, of which little is known, is shown as well', () => {
  const limits = [{ windowMs: HOUR_MS, airMs: HOUR_MS, frameMs: 4_000 }];
  const plain = { modulation: { kind: 'rate', bitsPerSecond: 2_400, frameMs: 50 }, share: 1 } as const;
  const radio = new Ledgers([]).transmitter({ ...AIR, ...plain, limits }, 235, 0);
  const text = radioLines(told(radio.info('serial:///dev/ttyS0', newCounts(), 0))).join('\n');
  assert.match(text, /set to 2400 bit\/s, 235 octets take \d+ ms/);
  assert.match(text, /hears {2}nothing yet/);
  assert.match(text, /limit {2}none, 4 s a frame/);
  assert.doesNotMatch(text, /share/);
});

test('what will never fit says so', () => {
  const never = told(busy({ limits: [{ windowMs: HOUR_MS, airMs: 36_000, frameMs: 100 }] }));
  assert.match(radioLines(never).join('\n'), /bulk +0 s .* never/);
});
