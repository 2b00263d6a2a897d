import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseUri } from '../../daemon/links/uri.ts';
import { repoRoot } from '../support/places.ts';
import { fc } from './wire-property.ts';

const KEY = 'ab'.repeat(32);

function refused(uri: string, message: RegExp): void {
  assert.throws(
    () => parseUri(uri, 'dial'),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'URI_INVALID');
      assert.match(error.message, message);
      return true;
    },
    uri,
  );
}

test('a cable needs nothing but its device', () => {
  const uri = parseUri('serial:///dev/serial/by-id/usb-x', 'dial');
  assert.deepEqual([uri.path, uri.host, uri.name], ['/dev/serial/by-id/usb-x', '', 'serial:///dev/serial/by-id/usb-x']);
  assert.deepEqual(uri.modem, {
    baud: 115_200,
    hasFlowControl: false,
    rate: undefined,
    mtu: undefined,
    frequencyHz: undefined,
    lora: undefined,
    tnc: { txDelay: undefined, persistence: undefined, slotTime: undefined },
    call: undefined,
  });
});

test('a radio has its parameters in the units that people write', () => {
  const lora = { frequencyHz: 869_525_000, bandwidthHz: 62_500, spreadingFactor: 9, codingRate: 6, powerDbm: 22 };
  const inMhz = parseUri('rnode:///dev/ttyUSB0?freq=869.525&bw=62.5&sf=9&cr=6&power=22', 'listen');
  const inHz = parseUri('meshcore:///dev/ttyUSB0?freq=869525000&bw=62500&sf=9&cr=6&power=22', 'dial');
  assert.deepEqual(inMhz.modem?.lora, lora);
  assert.deepEqual(inHz.modem?.lora, lora);
});

test('what is not given is the most common', () => {
  const { modem } = parseUri('rnode:///dev/ttyUSB0?freq=868.1', 'dial');
  assert.deepEqual(modem?.lora, {
    frequencyHz: 868_100_000,
    bandwidthHz: 125_000,
    spreadingFactor: 7,
    codingRate: 5,
    powerDbm: 14,
  });
  assert.equal(parseUri('kiss:///dev/ttyS0', 'dial').modem?.rate, 1_200);
});

test('every kind may be behind TCP, with its usual port', () => {
  const at = (uri: string): unknown[] => {
    const { host, port, path } = parseUri(uri, 'dial');
    return [host, port, path];
  };
  assert.deepEqual(at('rnode://192.0.2.1?freq=868.1'), ['192.0.2.1', 7_633, '']);
  assert.deepEqual(at('kiss://[2001:db8::1]'), ['2001:db8::1', 8_001, '']);
  assert.deepEqual(at('kiss://tnc.example:8100'), ['tnc.example', 8_100, '']);
  assert.deepEqual(at('serial://192.0.2.1:2000'), ['192.0.2.1', 2_000, '']);
});

test('keys, passwords and costs are those of all links', () => {
  const { options } = parseUri(`serial:///dev/ttyS0?key=${KEY}&key=${KEY}&password=a&priority=3&cost=200`, 'listen');
  assert.equal(options.keys.length, 2);
  assert.deepEqual([options.priority, options.cost], [3, 200]);
  refused(`serial:///dev/ttyS0?password=a&psk=${KEY}`, /exclude each other/);
});

const WRONG: readonly [string, RegExp][] = [
  ['serial:///dev/ttyS0?baud=115201', /baud: found '115201', expected one of .* 115200 /],
  ['serial:///dev/ttyS0?flow=xon', /flow: found 'xon', expected rtscts/],
  ['serial:///dev/ttyS0?rate=fast', /rate: found 'fast', expected a whole number from 50 to 10000000/],
  ['serial:///dev/ttyS0?mtu=154', /mtu: found '154', expected a whole number from 155 to 1500/],
  ['rnode:///dev/ttyS0?freq=868&mtu=509', /mtu: found '509', expected a whole number from 155 to 508/],
  ['meshcore:///dev/ttyS0?freq=868&mtu=255', /mtu: found '255', expected a whole number from 155 to 254/],
  ['rnode:///dev/ttyS0', /lacks the frequency: add \?freq=/],
  ['rnode:///dev/ttyS0?freq=136.9', /freq: found '136.9', expected 137 to 3000 \(MHz\)/],
  ['rnode:///dev/ttyS0?freq=3000.1', /freq: found '3000.1'/],
  ['rnode:///dev/ttyS0?freq=868,1', /freq: found '868,1'/],
  ['rnode:///dev/ttyS0?freq=868&bw=126', /bw: found '126', expected one of .* 125 /],
  ['rnode:///dev/ttyS0?freq=868&sf=13', /sf: found '13', expected a whole number from 5 to 12/],
  ['rnode:///dev/ttyS0?freq=868&sf=4', /sf: found '4'/],
  ['rnode:///dev/ttyS0?freq=868&cr=4', /cr: found '4', expected a whole number from 5 to 8/],
  ['rnode:///dev/ttyS0?freq=868&power=31', /power: found '31', expected a whole number from 0 to 30/],
  ['rnode:///dev/ttyS0?freq=868&spread=7', /no option 'spread' of rnode:\/\/; expected some of key .* sf cr power/],
  ['serial:///dev/ttyS0?sf=7', /no option 'sf' of serial/],
  ['kiss:///dev/ttyS0?txdelay=256', /txdelay: found '256', expected a whole number from 0 to 255/],
  ['kiss:///dev/ttyS0?call=NOCALL-16', /call: found 'NOCALL-16', expected a call such as N0CALL/],
  ['serial://', /expected the path of a device, with three slashes/],
  ['serial://192.0.2.1', /port/],
  ['kiss://192.0.2.1:8001/dev/ttyS0', /a path has no meaning behind a host/],
];

for (const [uri, message] of WRONG) {
  test(`names what is wrong with ${uri}`, () => refused(uri, message));
}

test('arbitrary options are taken or refused, never worse', () => {
  fc.assert(
    fc.property(fc.constantFrom('serial', 'kiss', 'rnode', 'meshcore'), fc.string(), (scheme, text) => {
      try {
        parseUri(`${scheme}:///dev/x?freq=868&${text}`, 'dial');
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'URI_INVALID');
      }
    }),
  );
});

test('every link of the example for radios is taken', () => {
  const example = readFileSync(join(repoRoot, 'configs/radio.conf'), 'utf8');
  const uris = [...example.matchAll(/"(\w+:\/\/[^"]*)"/g)].map(([, uri = '']) =>
    uri.replaceAll('0000…', '00'.repeat(32)),
  );
  assert.ok(uris.length >= 7);
  for (const uri of uris) parseUri(uri.replace('…', 'x'), 'dial');
});
