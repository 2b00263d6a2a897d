import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Carrier } from '../../daemon/links/link.ts';
import { parseUri } from '../../daemon/links/uri.ts';
import { dialTo, listenOn, portOf, serve, silenceSuite } from '../support/dial-suite.ts';
import { type Connect, linkSuite, someOctets, started, until } from '../support/link-suite.ts';
import { links } from '../support/links.ts';
import { type ProxyOptions, socksProxy } from '../support/proxies.ts';
import { within } from '../support/wait.ts';

const connectBehind =
  (scheme: string, listening: string): Connect =>
  async (t) => {
    const accepted: Carrier[] = [];
    const listener = await listenOn(t, `${listening}://127.0.0.1:0`, (carrier) => accepted.push(carrier));
    const { port } = await socksProxy(t);
    const dialled = await dialTo(t, `${scheme}://127.0.0.1:${port}/127.0.0.1:${portOf(listener.uri)}`);
    await until('the accepted end', () => accepted.length === 1);
    return [dialled, accepted[0] as Carrier];
  };

linkSuite('socks', connectBehind('socks', 'tcp'), 'tcp');
linkSuite('sockstls', connectBehind('sockstls', 'tls'), 'tls');

const never = new AbortController().signal;
const failing = (uri: string, signal = never): Promise<Carrier> =>
  within('the dial', 5_000, links.dial(parseUri(uri, 'dial'), '', signal));

/** A proxy before a server that says nothing; the URI lacks the user and what is behind. */
async function proxied(t: TestContext, options: ProxyOptions = {}) {
  const leadsTo = await serve(t, (socket) => socket.resume());
  const { port, asked } = await socksProxy(t, { leadsTo, ...options });
  return { at: `127.0.0.1:${port}`, asked };
}

test('without credentials the dialler offers no login, with them it offers both', async (t) => {
  const open = await proxied(t);
  await dialTo(t, `socks://${open.at}/mesh.example:9001`);
  await dialTo(t, `socks://me:secret@${open.at}/mesh.example:9001`);
  assert.deepEqual(
    open.asked.map(({ methods }) => methods),
    [[0], [0, 2]],
  );
});

for (const login of ['me:secret', 'me:', `${'n'.repeat(255)}:${'p'.repeat(255)}`, 'ä:ö']) {
  test(`the login ${login.slice(0, 10)} is told to a proxy that wants one`, async (t) => {
    const { at, asked } = await proxied(t, { login });
    const [name = '', password = ''] = login.split(':').map(encodeURIComponent);
    await dialTo(t, `socks://${name}:${password}@${at}/mesh.example:9001`);
    assert.equal(asked[0]?.login, login);
  });
}

for (const [host, kind, asked] of [
  ['mesh.example', 3, 'mesh.example'],
  ['192.0.2.7', 1, 'c0000207'],
  ['[2001:db8::1]', 4, '20010db8000000000000000000000001'],
  ['[2001:db8:1:2:3:4:5:6]', 4, '20010db8000100020003000400050006'],
  ['[fd00::]', 4, 'fd000000000000000000000000000000'],
  ['[::ffff:192.0.2.7]', 4, '00000000000000000000ffffc0000207'],
] as const) {
  test(`the proxy is asked for ${host} with address type ${kind}`, async (t) => {
    const proxy = await proxied(t);
    const carrier = await dialTo(t, `socks://${proxy.at}/${host}:9001`);
    assert.deepEqual(proxy.asked[0]?.command, [5, 1, 0, kind]);
    assert.deepEqual([proxy.asked[0]?.host, proxy.asked[0]?.port], [asked, 9001]);
    assert.equal(carrier.facts.uri, `socks://${proxy.at}/${host}:9001`);
  });
}

for (const boundTo of [
  [1, 192, 0, 2, 1],
  [4, ...new Array<number>(16).fill(9)],
  [3, 5, 1, 2, 3, 4, 5],
  [3, 0],
]) {
  test(`what the proxy connects from is no octet of the link: address type ${boundTo[0]}, ${boundTo.length} octets`, async (t) => {
    const octets = someOctets(1_000);
    const leadsTo = await serve(t, (socket) => socket.write(octets));
    const { port } = await socksProxy(t, { leadsTo, boundTo, waitsForTarget: true });
    // The first octets of the peer come in one piece with the proxy's answer.
    const ear = started(await dialTo(t, `socks://127.0.0.1:${port}/mesh.example:1`));
    await ear.heard(1_000);
    assert.deepEqual(ear.octets, octets);
  });
}

for (const [options, says] of [
  [{ login: 'me:secret' }, /the proxy wants a user and password/],
  [{ instead: Uint8Array.of(5, 2) }, /the proxy wants a user and password/],
  [{ instead: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n') }, /does not speak SOCKS5/],
  [{ instead: Uint8Array.of(4, 0) }, /does not speak SOCKS5/],
  [{ instead: Uint8Array.of() }, /closed the connection/],
  [{ instead: Uint8Array.of(5) }, /closed the connection/],
  [{ answer: 1 }, /did not connect: it failed/],
  [{ answer: 2 }, /did not connect: its rules do not allow this/],
  [{ answer: 5 }, /did not connect: the connection was refused/],
  [{ answer: 200 }, /did not connect: answer 200/],
] as const) {
  test(`a proxy with ${JSON.stringify(options)} is an error that says ${says.source}`, async (t) => {
    const { at } = await proxied(t, options);
    await assert.rejects(failing(`socks://${at}/mesh.example:1`), { code: 'DIAL_FAILED', message: says });
  });
}

test('a login that is refused, or of another kind, is an error that shows no password', async (t) => {
  const { at } = await proxied(t, { login: 'me:secret' });
  const refused = failing(`socks://me:hunter2@${at}/mesh.example:1`);
  await assert.rejects(refused, { code: 'DIAL_FAILED', message: 'the proxy refuses this user and password' });
  const other = await proxied(t, { instead: Uint8Array.of(5, 1) });
  const login = failing(`socks://me:hunter2@${other.at}/mesh.example:1`);
  await assert.rejects(login, { code: 'DIAL_FAILED', message: 'the proxy wants another kind of login' });
});

test('who is behind the proxy may be no address of the mesh', async () => {
  await assert.rejects(failing('socks://127.0.0.1:1/[201::1]:1'), { code: 'DIAL_FAILED', message: /no address/ });
});

test('a source interface is that of the way to the proxy', async (t) => {
  const { at } = await proxied(t);
  const dialTarget = (sourceInterface: string): Promise<Carrier> =>
    links.dial(parseUri(`socks://${at}/mesh.example:9001`, 'dial'), sourceInterface, never);
  (await dialTarget('lo')).close();
  await assert.rejects(dialTarget('nowhere0'), { code: 'DIAL_FAILED', message: /interface nowhere0 has no IPv4/ });
});

test('a proxy that is not there is an error that names its address', async () => {
  await assert.rejects(failing('socks://127.0.0.1:9/mesh.example:1'), { message: /ECONNREFUSED 127\.0\.0\.1:9/ });
});

silenceSuite('the proxy', (port) => `socks://127.0.0.1:${port}/mesh.example:1`);

test('TLS is with the peer behind the proxy: its key is proven', async (t) => {
  const [dialled, accepted] = await connectBehind('sockstls', 'tls')(t);
  assert.equal(dialled.facts.boundKey?.length, 32);
  assert.equal(accepted.facts.boundKey?.length, 32);
});
