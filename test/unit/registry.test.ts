import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KINDS } from '../../daemon/links/schemes.ts';
import { parseUri } from '../../daemon/links/uri.ts';
import { links } from '../support/links.ts';

test('every scheme of streams that is taken can be dialled, and listened on if it says so', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rtsk-links-'));
  t.after(() => rmSync(folder, { recursive: true }));
  /** Nobody's, and one to listen on. */
  const places = {
    host: ['[::]:1', '127.0.0.1:0'],
    file: [join(folder, 'nobody'), join(folder, 'listen.sock')],
    proxy: ['[::]:1/[::]:1', ''],
    device: ['', ''],
  };
  for (const [scheme, { canListen, place, isDatagram }] of KINDS) {
    if (isDatagram) continue;
    const [nobody, own] = places[place];
    const dialled = parseUri(`${scheme}://${nobody}`, 'dial');
    // What is wrong is told by the kind, not by the registry.
    await assert.rejects(links.dial(dialled, '', AbortSignal.timeout(5_000)), { code: 'DIAL_FAILED' }, scheme);
    if (!canListen) continue;
    const listener = await links.listen(parseUri(`${scheme}://${own}`, 'listen'), () => {});
    await listener.close();
  }
});

test('a scheme that nobody carries is an error, not an exception', async () => {
  const uri = { ...parseUri('tcp://192.0.2.1:1', 'dial'), scheme: 'pigeon' };
  await assert.rejects(links.dial(uri, '', AbortSignal.timeout(5_000)), { code: 'SCHEME_UNKNOWN' });
  await assert.rejects(
    links.listen(uri, () => {}),
    { code: 'SCHEME_UNKNOWN' },
  );
});
