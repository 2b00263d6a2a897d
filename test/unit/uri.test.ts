import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RatatoskError } from '../../daemon/core/error.ts';
import { durationMs, parseUri } from '../../daemon/links/uri.ts';
import { fc } from './wire-property.ts';

const KEY = 'ff453aa1069e8d096ef2855c2661d0fde7d4bcbd2eb6d6e7b1d1c4ba9d8e5f01';
const NOTHING = new Uint8Array(0);
const NO_OPTIONS = {
  keys: [],
  priority: 0,
  cost: undefined,
  password: NOTHING,
  sni: undefined,
  maxBackoffMs: undefined,
  origins: [],
  psk: undefined,
  isSlow: false,
};

const optionsOf = (query: string) => parseUri(`tcp://192.0.2.1:9001?${query}`, 'dial').options;

function refusal(text: string, purpose: 'dial' | 'listen' = 'dial'): RatatoskError {
  try {
    parseUri(text, purpose);
  } catch (error) {
    assert.ok(error instanceof RatatoskError);
    return error;
  }
  return assert.fail(`${text} was taken`);
}

// Forms

test('a URI without options has the defaults', () => {
  assert.deepEqual(parseUri('tcp://192.0.2.1:9001', 'dial'), {
    scheme: 'tcp',
    host: '192.0.2.1',
    port: 9001,
    path: '',
    target: undefined,
    user: undefined,
    name: 'tcp://192.0.2.1:9001',
    otherQuery: '',
    options: NO_OPTIONS,
  });
});

const FORMS: readonly { text: string; host: string; port: number; path?: string }[] = [
  { text: 'tcp://mesh.example:1', host: 'mesh.example', port: 1 },
  { text: 'tcp://mesh.example:65535', host: 'mesh.example', port: 65_535 },
  { text: 'tcp://[2001:db8::1]:9001', host: '2001:db8::1', port: 9001 },
  { text: 'tcp://[fe80::1%eth0]:9001', host: 'fe80::1%eth0', port: 9001 },
  { text: 'tcp://[fe80::1%25eth0]:9001', host: 'fe80::1%eth0', port: 9001 },
  { text: 'tcp://[::ffff:192.0.2.1]:9001', host: '::ffff:192.0.2.1', port: 9001 },
  { text: 'tcp://192.0.2.1:9001/', host: '192.0.2.1', port: 9001, path: '/' },
  { text: 'ws://mesh.example:8080/a/b', host: 'mesh.example', port: 8080, path: '/a/b' },
  { text: 'ws://mesh.example', host: 'mesh.example', port: 80 },
  { text: 'ws://mesh.example/a', host: 'mesh.example', port: 80, path: '/a' },
  { text: 'ws://[2001:db8::1]', host: '2001:db8::1', port: 80 },
];

for (const { text, host, port, path = '' } of FORMS) {
  test(`${text} is taken apart`, () => {
    const uri = parseUri(text, 'dial');
    assert.deepEqual([uri.host, uri.port, uri.path, uri.name], [host, port, path, text]);
  });
}

test('the scheme is matched without regard to case', () => {
  assert.equal(parseUri('TCP://192.0.2.1:9001', 'dial').scheme, 'tcp');
});

test('the name is the URI without its options', () => {
  const uri = parseUri('ws://mesh.example:8080/a?password=hunter2&x=1', 'dial');
  assert.equal(uri.name, 'ws://mesh.example:8080/a');
});

test('a listener may name no host, and any port', () => {
  const { host, port } = parseUri('tcp://:0', 'listen');
  assert.deepEqual([host, port], ['', 0]);
});

// Options

test('keys are read, however many there are, in either case', () => {
  const other = '00'.repeat(32);
  const { keys } = optionsOf(`key=${KEY.toUpperCase()}&key=${other}`);
  assert.deepEqual(
    keys.map((key) => Buffer.from(key).toString('hex')),
    [KEY, other],
  );
});

for (const [text, priority] of [
  ['0', 0],
  ['7', 7],
  ['255', 255],
  ['007', 7],
] as const) {
  test(`a priority of ${text} is ${priority}`, () => assert.equal(optionsOf(`priority=${text}`).priority, priority));
}

for (const [text, cost] of [
  ['1', 1],
  ['30', 30],
  ['1000000', 1_000_000],
] as const) {
  test(`a cost of ${text} is ${cost} milliseconds`, () => assert.equal(optionsOf(`cost=${text}`).cost, cost));
}

test('a password is the octets of its text, decoded', () => {
  const octets = (text: string) => Buffer.from(optionsOf(`password=${text}`).password).toString();
  assert.equal(octets('hunter2'), 'hunter2');
  assert.equal(octets('a%20b+c%26d'), 'a b c&d');
  assert.equal(octets('a b'), 'a b');
  assert.equal(octets('%C3%A4'), 'ä');
  assert.equal(octets('a=b'), 'a=b');
});

test('a password may have 64 octets', () => {
  assert.equal(optionsOf(`password=${'x'.repeat(64)}`).password.length, 64);
  assert.equal(optionsOf(`password=${'%C3%A4'.repeat(32)}`).password.length, 64);
});

test('a TLS server name is kept, an IP address is none', () => {
  assert.equal(optionsOf('sni=mesh.example').sni, 'mesh.example');
  assert.equal(optionsOf('sni=192.0.2.1').sni, undefined);
  assert.equal(optionsOf('sni=2001:db8::1').sni, undefined);
});

test('origins are read, however many there are', () => {
  assert.deepEqual(parseUri('ws://[::]:80?origin=a.example&origin=*.b.example', 'listen').options.origins, [
    'a.example',
    '*.b.example',
  ]);
});

for (const [text, ms] of [
  ['5s', 5_000],
  ['9s', 9_000],
  ['1m30s', 90_000],
  ['1h', 3_600_000],
  ['1.5m', 90_000],
  ['5000ms', 5_000],
  ['6000000us', 6_000],
  ['6000000µs', 6_000],
  ['6000000000ns', 6_000],
] as const) {
  test(`a maxbackoff of ${text} is ${ms} ms`, () => {
    assert.equal(Math.round(optionsOf(`maxbackoff=${text}`).maxBackoffMs ?? 0), ms);
  });
}

test('durations are those of Go, shorter ones than a backoff too', () => {
  assert.equal(durationMs('300ms'), 300);
  assert.equal(durationMs('0s'), 0);
  for (const text of ['', '5', 's', '5 s', '5s5', '-5s', '5x', '5s,', '1e3s'])
    assert.equal(durationMs(text), undefined);
});

test('of an option that is given twice the first counts', () => {
  assert.equal(optionsOf('priority=1&priority=2').priority, 1);
  assert.deepEqual(optionsOf('password=a&password=b').password, Uint8Array.of(97));
});

test('an option without a value is not given', () => {
  assert.deepEqual(optionsOf('priority=&password=&sni=&maxbackoff=&&'), NO_OPTIONS);
});

test('the name of an option may be percent-encoded', () => {
  const { options, otherQuery } = parseUri('ws://mesh.example?p%61ssword=a', 'dial');
  assert.deepEqual(options.password, Uint8Array.of(97));
  assert.equal(otherQuery, '');
});

test('what is no option of ours stays as it was written, ours are taken out', () => {
  const uri = parseUri(`ws://mesh.example/a?x=%zz&key=${KEY}&y=1+2&password=p&z&priority=1&Password=q`, 'dial');
  assert.equal(uri.otherQuery, 'x=%zz&y=1+2&z&Password=q');
});

test('a file is named by its decoded path', () => {
  const { host, port, path, name } = parseUri('unix:///run/my%20mesh+1.sock?password=p', 'listen');
  assert.deepEqual(
    { host, port, path, name },
    { host: '', port: 0, path: '/run/my mesh+1.sock', name: 'unix:///run/my%20mesh+1.sock' },
  );
});

test('behind a proxy there is a host and a port, and the user is no part of the name', () => {
  const text = 'socks://us%40er:pass%3Aword@[2001:db8::1]:1080/mesh.example:9001?priority=3';
  const { scheme, host, port, target, user, name } = parseUri(text, 'dial');
  assert.deepEqual([scheme, host, port], ['socks', '2001:db8::1', 1080]);
  assert.deepEqual(target, { host: 'mesh.example', port: 9001 });
  assert.equal(Buffer.from(user?.name ?? []).toString(), 'us@er');
  assert.equal(Buffer.from(user?.password ?? []).toString(), 'pass:word');
  assert.equal(name, 'socks://[2001:db8::1]:1080/mesh.example:9001');
});

test('the user of a proxy may have no password, and the target be an address', () => {
  const { target, user } = parseUri('sockstls://me@proxy.example:1080/[2001:db8::2]:9001', 'dial');
  assert.deepEqual(target, { host: '2001:db8::2', port: 9001 });
  assert.deepEqual([Buffer.from(user?.name ?? []).toString(), user?.password.length], ['me', 0]);
});

// Refusals

const REFUSED: readonly { text: string; says: RegExp; purpose?: 'dial' | 'listen'; code?: string }[] = [
  { text: '', says: /expected scheme:\/\/host:port, such as/ },
  { text: '192.0.2.1:9001', says: /expected scheme:\/\/host:port/ },
  { text: '://192.0.2.1:9001', says: /expected scheme:\/\/host:port/ },
  { text: 'tcp:192.0.2.1:9001', says: /expected scheme:\/\/host:port/ },
  {
    text: 'http://192.0.2.1:9001',
    says: /no scheme 'http'; expected one of tcp:\/\/, tls:\/\//,
    code: 'SCHEME_UNKNOWN',
  },
  { text: 'quic://192.0.2.1:9001', says: /not supported yet; expected one of/, code: 'SCHEME_UNKNOWN' },
  { text: 'wss://[::]:443', says: /cannot listen on wss:\/\/; listen on ws:\/\/ behind/, purpose: 'listen' },
  { text: 'socks://[::]:443/a:1', says: /cannot listen on socks:\/\/$/, purpose: 'listen' },
  { text: 'unix://run/peer.sock', says: /three slashes: unix:\/\/\/run\/peer\.sock/ },
  { text: 'unix://', says: /the path of a file/ },
  { text: 'unix:///', says: /the path of a file/, purpose: 'listen' },
  { text: 'unix:///a%zz', says: /path is not well encoded/ },
  { text: 'unix:///a%00b', says: /path holds a control character/ },
  { text: `unix:///${'x'.repeat(107)}`, says: /path has 108 octets, the system takes 107/ },
  { text: 'socks://192.0.2.1:1080', says: /names nobody behind the proxy: socks:\/\/proxy:1080\/host:port/ },
  { text: 'socks://192.0.2.1:1080/', says: /names nobody behind the proxy/ },
  { text: 'socks://192.0.2.1/mesh.example:9001', says: /for the port/ },
  { text: 'socks://192.0.2.1:1080/mesh.example', says: /for the port/ },
  { text: 'socks://192.0.2.1:1080/[fe80::1%eth0]:1', says: /a zone means nothing to a proxy/ },
  { text: `socks://192.0.2.1:1080/${'x'.repeat(256)}:1`, says: /host is longer than 255 octets/ },
  { text: 'socks://@192.0.2.1:1080/mesh.example:1', says: /user of the proxy has no name/ },
  { text: 'socks://:secret@192.0.2.1:1080/mesh.example:1', says: /user of the proxy has no name/ },
  { text: `socks://a:${'x'.repeat(256)}@192.0.2.1:1080/a:1`, says: /user or password are longer than 255 octets/ },
  { text: 'socks://a:%zz@192.0.2.1:1080/a:1', says: /user or password are not well encoded/ },
  { text: 'quic://[::]:1', says: /not supported yet/, code: 'SCHEME_UNKNOWN', purpose: 'listen' },
  { text: 'tcp://', says: /names no host/ },
  { text: 'tcp://:9001', says: /names no host/ },
  { text: 'tcp://192.0.2.1', says: /found '' for the port, expected a number up to 65535/ },
  { text: 'tcp://192.0.2.1:', says: /for the port/ },
  { text: 'ws://192.0.2.1:', says: /for the port/ },
  { text: 'tcp://192.0.2.1:65536', says: /found '65536' for the port/ },
  { text: 'tcp://192.0.2.1:-1', says: /found '-1' for the port/ },
  { text: 'tcp://192.0.2.1:1e3', says: /for the port/ },
  { text: 'tcp://192.0.2.1:0x50', says: /for the port/ },
  { text: 'tcp://192.0.2.1:0', says: /port 0 is for listeners/ },
  { text: 'tcp://[::1]9001', says: /for the port/ },
  { text: 'tcp://[::1]x9001', says: /for the port/ },
  { text: 'tcp://2001:db8::1:9001', says: /stands in brackets: \[2001:db8::1\]:9001/ },
  { text: 'tcp://[2001:db8::1:9001', says: /lacks its '\]'/ },
  { text: 'tcp://[192.0.2.1]:9001', says: /'192.0.2.1' is no IPv6 address/ },
  { text: 'tcp://[mesh.example]:9001', says: /no IPv6 address/ },
  { text: 'tcp://somebody@192.0.2.1:9001', says: /user name has no meaning/ },
  { text: 'tcp://192.0.2.1:9001#home', says: /write %23/ },
  { text: ' tcp://192.0.2.1:9001', says: /blank/ },
  { text: 'tcp://192.0.2.1 :9001', says: /blank/ },
  { text: 'tcp://192.0.2.1:9001\n', says: /control character/ },
  { text: 'ws://mesh.example?x=\u0000', says: /control character/ },
  { text: `tcp://${'x'.repeat(4096)}:1`, says: /longer than 4096 characters/ },
  { text: `tcp://192.0.2.1:1?key=${KEY.slice(1)}`, says: /key: found 63 characters, expected 64 hexadecimal digits/ },
  { text: `tcp://192.0.2.1:1?key=${KEY}0`, says: /key: found 65 characters/ },
  { text: `tcp://192.0.2.1:1?key=g${KEY.slice(1)}`, says: /key: .* hexadecimal digits/ },
  { text: 'tcp://192.0.2.1:1?key=', says: /key: found 0 characters/ },
  { text: `tcp://192.0.2.1:1?key=${KEY}&key=1`, says: /key: found 1 characters/ },
  { text: 'tcp://192.0.2.1:1?priority=256', says: /priority: found '256', expected 0 to 255/ },
  { text: 'tcp://192.0.2.1:1?priority=-1', says: /priority: found '-1'/ },
  { text: 'tcp://192.0.2.1:1?priority=1.5', says: /priority: found '1.5'/ },
  { text: 'tcp://192.0.2.1:1?cost=0', says: /cost: found '0', expected 1 to 1000000 \(milliseconds\)/ },
  { text: 'tcp://192.0.2.1:1?cost=1000001', says: /cost: found '1000001'/ },
  { text: 'tcp://192.0.2.1:1?cost=-5', says: /cost: found '-5'/ },
  { text: 'tcp://192.0.2.1:1?cost=2.5', says: /cost: found '2.5'/ },
  { text: `tcp://192.0.2.1:1?password=${'x'.repeat(65)}`, says: /password: found 65 octets, expected at most 64/ },
  { text: `tcp://192.0.2.1:1?password=${'%C3%A4'.repeat(33)}`, says: /password: found 66 octets/ },
  { text: 'tcp://192.0.2.1:1?password=%zz', says: /option password is not well encoded/ },
  { text: 'tcp://192.0.2.1:1?maxbackoff=4.9s', says: /maxbackoff: found 4.9s, expected at least 5s/ },
  { text: 'tcp://192.0.2.1:1?maxbackoff=10', says: /maxbackoff: found '10', expected a duration such as/ },
  { text: 'tcp://192.0.2.1:1?maxbackoff=-9s', says: /maxbackoff: found '-9s'/ },
];

for (const { text, says, purpose = 'dial', code = 'URI_INVALID' } of REFUSED) {
  test(`${JSON.stringify(text.slice(0, 60))} is refused for ${purpose} with a reason`, () => {
    const error = refusal(text, purpose);
    assert.equal(error.code, code);
    assert.match(error.message, says);
    assert.match(error.message, /^Cannot use /);
  });
}

test('a message shows neither password nor user nor a mistaken private key', () => {
  const secret = 'hunter2hunter2';
  const texts = [
    `tcp://192.0.2.1:x?password=${secret}`,
    `tcp://192.0.2.1:1?password=${secret.repeat(10)}`,
    `tcp://192.0.2.1:1?priority=x&password=${secret}`,
    `tcp://192.0.2.1:1?password=${secret}%zz`,
    `tcp://192.0.2.1:1?password=${secret}#`,
    // A '?' that was forgotten or misplaced.
    `tcp://192.0.2.1:9001&password=${secret}`,
    `tcp://192.0.2.1&PASSWORD=${secret}`,
    `password=${secret}`,
    `tcp:?password=${secret}&via=http://a`,
    `password=${secret}://192.0.2.1:1`,
    `tcp://192.0.2.1:1?priority=1;password=${secret}`,
    `socks://user:${secret}@192.0.2.1:1080/mesh.example`,
    `socks://user:${secret}@192.0.2.1/mesh.example:9001`,
    `tcp://user:${secret}@192.0.2.1:9001`,
    `tcp://192.0.2.1:1?key=${secret.repeat(8)}`,
  ];
  for (const text of texts) assert.doesNotMatch(refusal(text).message, /hunter2/i, text);
});

test('a message holds no control characters', () => {
  assert.doesNotMatch(refusal('tcp://a\u001b[2J\r\nfake: line').message, /\p{Cc}/u);
});

const anyHost = fc.constantFrom('192.0.2.1', '[2001:db8::1]', '[fe80::1%eth0]', 'mesh.example', '', '[', 'a:b', '[::1');
const anyPort = fc.oneof(fc.nat(70_000).map(String), fc.constantFrom('', '-1', 'x', '00080'));
const anyPair = fc
  .tuple(fc.constantFrom('key', 'priority', 'cost', 'password', 'sni', 'maxbackoff', 'origin', 'x', ''), fc.string())
  .map(([name, value]) => `${name}=${value}`);
const nearlyUri = fc
  .record({
    scheme: fc.constantFrom('tcp', 'ws', 'TCP', 'wss', 'x', ''),
    host: anyHost,
    port: anyPort,
    path: fc.string(),
    pairs: fc.array(anyPair),
  })
  .map(({ scheme, host, port, path, pairs }) => `${scheme}://${host}:${port}/${path}?${pairs.join('&')}`);

test('whatever the text, it is taken or refused with a RatatoskError', () => {
  const anyText = fc.oneof(fc.string({ unit: 'binary' }), nearlyUri);
  fc.assert(
    fc.property(anyText, fc.constantFrom<'dial' | 'listen'>('dial', 'listen'), (text, purpose) => {
      try {
        const { port, options } = parseUri(text, purpose);
        assert.ok(Number.isInteger(port) && port >= 0 && port <= 65_535);
        assert.ok(Number.isInteger(options.priority) && options.priority <= 255);
        assert.ok(options.cost === undefined || (options.cost >= 1 && options.cost <= 1_000_000));
        assert.ok(options.password.length <= 64);
        assert.ok(options.keys.every((key) => key.length === 32));
        assert.ok(options.maxBackoffMs === undefined || options.maxBackoffMs >= 5_000);
      } catch (error) {
        assert.ok(error instanceof RatatoskError, String(error));
        assert.ok(['URI_INVALID', 'SCHEME_UNKNOWN'].includes(error.code));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('the password is in no message, whatever else is wrong', () => {
  const secret = 'correct-horse-battery';
  const rest = fc.array(anyPair, { maxLength: 3 }).map((pairs) => pairs.join('&'));
  fc.assert(
    fc.property(nearlyUri, rest, (text, more) => {
      try {
        parseUri(`${text}&password=${secret}&${more}`, 'dial');
      } catch (error) {
        assert.ok(error instanceof RatatoskError);
        assert.ok(!error.message.includes(secret), error.message);
      }
    }),
    { numRuns: 1_000 },
  );
});
