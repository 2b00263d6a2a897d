import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { repoRoot } from '../support/places.ts';
import { run } from '../support/process.ts';

test('this engine knows the flag by which it compiles sooner', async () => {
  const file = pathToFileURL(join(repoRoot, 'dist/daemon/host/compiler.js'));
  const script = `import { compileSoon } from '${file}'; compileSoon();`;
  const { code, stdout, stderr } = await run([process.execPath, '--input-type=module', '--eval', script]);
  assert.deepEqual([code, stdout, stderr], [0, '', '']);
});
