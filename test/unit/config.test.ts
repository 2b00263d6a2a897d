import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RatatoskError } from '../../daemon/core/error.ts';
import { decodeText, defaultConfig, parseConfig } from '../../daemon/host/config.ts';
import { configText } from '../../daemon/host/init.ts';
import { identityFromSeed, identityToHex } from '../../daemon/host/keys.ts';
import { routerSettings, settingWarnings } from '../../daemon/host/settings.ts';

const identity = identityFromSeed(new Uint8Array(32).fill(3));
const KEY = 'ab'.repeat(32);

/** The problems of a text that is refused, a line each. */
function problemsOf(text: string): string[] {
  try {
    parseConfig(text, 'file');
  } catch (error) {
    assert.ok(error instanceof RatatoskError && error.code === 'CONFIG_INVALID', String(error));
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return assert.fail(`taken: ${text}`);
}

test('takes the defaults of the reference for what is missing', () => {
  const { config, warnings } = parseConfig('{}', 'file');
  assert.deepEqual(warnings, []);
  assert.deepEqual(config, defaultConfig());
  assert.deepEqual([config.Peers, config.Listen, config.AllowedPublicKeys], [[], [], []]);
  assert.deepEqual(config.InterfacePeers, {});
  assert.equal(config.IfName, 'auto');
  assert.equal(config.IfMTU, 65535);
  assert.equal(config.NodeInfo, null);
  assert.equal(config.MulticastInterfaces[0]?.Regex, '.*');
  assert.equal(config.AdminListen, undefined);
});

test('takes an empty file, and one without outer braces', () => {
  assert.deepEqual(parseConfig('', 'file').config.Peers, []);
  assert.deepEqual(parseConfig('Peers: [\n  tcp://a:1\n]\nIfName: tun7\n', 'file').config.Peers, ['tcp://a:1']);
});

test('takes what the other daemon generates, comments and all', () => {
  const text = `{
    # Your private key. DO NOT share this with anyone!
    PrivateKey: ${identityToHex(identity)}
    # List of outbound peer connection strings
    Peers: [ "tls://192.0.2.1:9001?key=${KEY}" ]
    InterfacePeers: { "eth0": [ "tls://192.0.2.2:9001" ], "eth1": null }
    Listen: [ "tls://[::]:0" ]
    AdminListen: unix:///var/run/yggdrasil/yggdrasil.sock
    MulticastInterfaces: [
      { Port: 9001 }
      {
        Regex: .*
        Beacon: true
        Listen: true
        Password: ""
      }
    ]
    AllowedPublicKeys: [ "${KEY}" ]
    IfName: auto
    IfMTU: 65535
    LogLookups: false
    NodeInfoPrivacy: false
    NodeInfo: { name: "x", nested: { a: [ 1, 2 ] } }
  }`;
  const { config, warnings } = parseConfig(text, 'file');
  assert.deepEqual(warnings, []);
  const settings = routerSettings(config, identity, '1.2.3');
  assert.deepEqual(settings.peers, [
    { uri: `tls://192.0.2.1:9001?key=${KEY}`, sourceInterface: '' },
    { uri: 'tls://192.0.2.2:9001', sourceInterface: 'eth0' },
  ]);
  assert.deepEqual(settings.listen, ['tls://[::]:0']);
  const off = { beacon: false, listen: false, priority: 0, password: new Uint8Array(0) };
  assert.deepEqual(settings.multicast, [
    { ...off, regex: /(?:)/, port: 9001 },
    { ...off, regex: /.*/, port: 0, beacon: true, listen: true },
  ]);
  assert.equal(Buffer.from(settings.allowedKeys[0] ?? []).toString('hex'), KEY);
  assert.deepEqual(config.NodeInfo, { name: 'x', nested: { a: [1, 2] } });
});

test('takes what init writes without a warning', () => {
  const { config, warnings } = parseConfig(configText(identity), 'file');
  assert.deepEqual([...warnings, ...settingWarnings(config)], []);
  assert.equal(config.PrivateKey, identityToHex(identity));
  assert.deepEqual(config.Peers, []);
});

test('matches names without regard to case, the last wins, null is absent', () => {
  const { config, warnings } = parseConfig('{"ifname":"a","IFNAME":"b","peers":null,"limits":{"LINKS":7}}', 'file');
  assert.equal(config.IfName, 'b');
  assert.deepEqual(config.Peers, []);
  assert.equal(config.Limits.links, 7);
  assert.deepEqual(warnings, []);
});

test('names the nearest known member for an unknown one', () => {
  const { warnings } = parseConfig('{"Peer":[],"Zzyzzy":1,"Firewall":{"Inbond":"allow"}}', 'file');
  assert.equal(warnings.length, 3);
  assert.match(warnings[0] ?? '', /^Peer: .*Peers\?/);
  assert.match(warnings[1] ?? '', /^Zzyzzy: .*ignored/);
  assert.match(warnings[2] ?? '', /^Firewall\.Inbond: .*Firewall\.Inbound/);
});

test('lists all problems with path, what was found and what is expected', () => {
  const text = `{"Peers":["tcp://a:1",5],"IfMTU":"large","E2E":"maybe","AllowedPublicKeys":["abcd"],
    "MulticastInterfaces":[{"Port":70000},{"Regex":"eth[0"}],"Limits":{"links":0},"NodeInfo":[]}`;
  const problems = problemsOf(text);
  assert.equal(problems.length, 8);
  assert.ok(problems.includes('Peers[1]: found the number 5, expected a URI in quotes, like "tls://host:port"'));
  assert.ok(problems.includes('IfMTU: found "large", expected a whole number from 0 to 9007199254740991'));
  assert.ok(problems.includes('E2E: found "maybe", expected "prefer" or "require" or "off"'));
  assert.ok(problems.some((line) => line.startsWith('AllowedPublicKeys[0]: found text of 4 characters')));
  assert.ok(problems.some((line) => line.startsWith('MulticastInterfaces[0].Port: found the number 70000')));
  assert.ok(
    problems.includes('MulticastInterfaces[1].Regex: found "eth[0", expected a regular expression like "eth.*"'),
  );
  assert.ok(problems.some((line) => line.startsWith('Limits.links: found the number 0')));
  assert.ok(problems.some((line) => line.startsWith('NodeInfo: found a list')));
});

test('takes rules of the firewall as text and bare ports as HJSON leaves them', () => {
  const text = `Firewall: { Allow: [ 22, "80/tcp" ] }
Names: { Laptop: "${KEY}" }`;
  assert.deepEqual(parseConfig(text, 'file').config.Firewall, { Inbound: 'deny', Allow: ['22', '80/tcp'] });
  const lines = 'Firewall: {\n  Allow: [\n    22\n    60000-61000/udp\n    80 from 300:1::/64\n  ]\n}';
  assert.deepEqual(parseConfig(lines, 'file').config.Firewall.Allow, ['22', '60000-61000/udp', '80 from 300:1::/64']);
});

test('names the member of a rule that is none or means nobody', () => {
  const text = `{"Firewall":{"Inbound":"drop","Allow":["22","ssh",0]}}`;
  assert.deepEqual(problemsOf(text), [
    'Firewall.Inbound: found "drop", expected "deny" or "allow"',
    'Firewall.Allow[1]: found "ssh", expected a rule like "22", "5353/udp" or "80 from NAME"',
    'Firewall.Allow[2]: found the number 0, expected a rule like "22", "5353/udp" or "80 from NAME"',
  ]);
  const [nobody, ...more] = problemsOf('{"Firewall":{"Allow":["22 from desk"]},"Names":{"laptop":"200::1"}}');
  assert.match(
    nobody ?? '',
    /^Firewall\.Allow\[0\]: found "22 from desk", expected another target: "desk" is .*laptop/,
  );
  assert.deepEqual(more, []);
  assert.match(problemsOf('{"Firewall":{"Allow":["22 from fd00::/8"]}}')[0] ?? '', /no address of the mesh/);
});

test('takes a region whose law is known, and a share of the channel', () => {
  assert.deepEqual(parseConfig('{}', 'file').config.Radio, { Region: 'none', Share: 0.25 });
  assert.deepEqual(parseConfig('{"Radio":{"region":"EU868"}}', 'file').config.Radio, { Region: 'EU868', Share: 0.25 });
  const problems = problemsOf('{"Radio":{"Region":"EU686","Share":1.5}}');
  assert.match(problems[0] ?? '', /^Radio.Region: found "EU686", expected "none" or "EU868" or /);
  assert.equal(problems[1], 'Radio.Share: found the number 1.5, expected a number from 0.01 to 1');
});

test('refuses numbers where text is meant, since their writing is lost', () => {
  assert.match(problemsOf('GroupPassword: 1e3')[0] ?? '', /GroupPassword: .*quotes/);
});

test('refuses a password longer than 64 octets', () => {
  assert.match(problemsOf(`{"GroupPassword":"${'ü'.repeat(33)}"}`)[0] ?? '', /64 octets/);
});

test('never repeats secrets in a message', () => {
  const secret = 'correcthorsebattery';
  for (const text of [
    `{"PrivateKey":["${secret}"],"Peers":"tls://a:1?password=${secret}","GroupPassword":5}`,
    `{ PrivateKey: "${secret}" Peers: [ ${secret}`,
    `{"AllowedPublicKeys":"${secret}","MulticastInterfaces":[{"Password":"${secret.repeat(9)}"}]}`,
  ]) {
    assert.throws(
      () => parseConfig(text, 'file'),
      (error: Error) => !error.message.includes(secret),
    );
  }
});

test('reads UTF-8 and both orders of UTF-16 with a mark', () => {
  const text = '{"Name":"Müller"}';
  const little = Buffer.from(`\ufeff${text}`, 'utf16le');
  for (const octets of [Buffer.from(text), Buffer.from(`\ufeff${text}`), little, Buffer.from(little).swap16()]) {
    assert.equal(parseConfig(decodeText(octets), 'file').config.Name, 'Müller');
  }
});

test('warns of members that have no effect yet, and brings the MTU into its range', () => {
  const text = `{"AutoPeers":true,"RootAllow":["${'0'.repeat(64)}"],"IfMTU":5}`;
  const { config } = parseConfig(text, 'file');
  const warnings = settingWarnings(config);
  for (const name of ['AutoPeers', 'RootAllow', 'IfMTU']) {
    assert.ok(
      warnings.some((line) => line.startsWith(`${name}:`)),
      name,
    );
  }
  assert.equal(routerSettings(config, identity, '1.2.3').ifMtu, 1280);
  assert.deepEqual(settingWarnings(defaultConfig()), []);
});

test('takes or refuses arbitrary text and arbitrary JSON, and nothing else happens', () => {
  const outcome = (text: string): void => {
    try {
      parseConfig(text, 'file');
    } catch (error) {
      assert.ok(error instanceof RatatoskError, String(error));
    }
  };
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), outcome));
  fc.assert(fc.property(fc.json(), outcome));
  const names = fc.constantFrom(...Object.keys(defaultConfig()), '__proto__', 'constructor');
  fc.assert(fc.property(fc.dictionary(names, fc.jsonValue()), (value) => outcome(JSON.stringify(value))));
});

test('where all links of the configuration are cables and radios packets are small, unless somebody says otherwise', () => {
  const mtuOf = (text: string): number => routerSettings(parseConfig(text, 'file').config, identity, '1').ifMtu;
  const radio = 'rnode:///dev/ttyUSB0?freq=869.525';
  assert.equal(mtuOf(`{ "Peers": ["${radio}"] }`), 1280);
  assert.equal(mtuOf(`{ "Listen": ["SERIAL:///dev/ttyS0"], "InterfacePeers": { "eth0": null } }`), 1280);
  assert.equal(mtuOf(`{ "Peers": ["${radio}"], "IfMTU": 9000 }`), 9000);
  assert.equal(mtuOf(`{ "Peers": ["${radio}", "tcp://192.0.2.1:9001"] }`), 65535);
  assert.equal(mtuOf('{}'), 65535);
});
