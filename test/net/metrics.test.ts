/** Prometheus of Debian reads a live node. */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withLab } from '../support/lab.ts';
import { at, startMesh } from '../support/mesh.ts';
import { needs, needsMesh, needsTool } from '../support/needs.ts';
import { repoRoot } from '../support/places.ts';
import { mustRun, run } from '../support/process.ts';
import { waitFor } from '../support/wait.ts';

const WHERE = '127.0.0.1:9464';
const QUERIES = '127.0.0.1:9090';
const skip = needs(needsMesh('ratatosk') || undefined, needsTool('prometheus', 'promtool', 'curl'));
const configs = join(repoRoot, 'configs');

test(
  'our metrics pass its checks, it scrapes them with our configuration, and a query answers',
  { skip, timeout: 60_000 },
  withLab(async (lab) => {
    const { nodes } = await startMesh(lab, {
      kinds: ['ratatosk', 'ratatosk'],
      node: (i) => (i === 0 ? { config: { Metrics: WHERE } } : {}),
    });
    const a = at(nodes, 0);
    const get = (url: string): Promise<string> => a.netns.mustRun(['curl', '-sgf', '--max-time', '5', url]);
    await waitFor('the link', async () => /state="up"\} 1/.test(await get(`http://${WHERE}/metrics`)));
    const check = await run(['promtool', 'check', 'metrics'], { input: await get(`http://${WHERE}/metrics`) });
    assert.deepEqual([check.code, check.stdout, check.stderr], [0, '', '']);
    await mustRun(['promtool', 'check', 'rules', join(configs, 'ratatosk-alerts.yml')]);

    const folder = lab.folder;
    const config = readFileSync(join(configs, 'prometheus.yml'), 'utf8').replace('interval: 15s', 'interval: 1s');
    writeFileSync(join(folder, 'prometheus.yml'), config);
    copyFileSync(join(configs, 'ratatosk-alerts.yml'), join(folder, 'ratatosk-alerts.yml'));
    lab.adopt(
      a.netns.start([
        'prometheus',
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'series')}`,
        `--web.listen-address=${QUERIES}`,
      ]),
    );
    const query = `http://${QUERIES}/api/v1/query?query=ratatosk_peers{state="up"}`;
    const value = await waitFor(
      'the series',
      async () => {
        const answer = await a.netns.run(['curl', '-sgf', '--max-time', '5', query]);
        if (answer.code !== 0) return undefined;
        const { data } = JSON.parse(answer.stdout) as { data: { result: { value: [number, string] }[] } };
        return data.result[0]?.value[1];
      },
      { limitMs: 30_000, everyMs: 200 },
    );
    assert.equal(value, '1');
    assert.match(await get(`http://${WHERE}/healthz`), /^ok$/m);

    a.writeConfig({ Metrics: 'off' });
    a.signal('SIGHUP');
    await waitFor('its end', async () => (await a.netns.run(['curl', '-s', `http://${WHERE}/healthz`])).code !== 0);
    assert.match(a.log, /metrics are served no more/);
  }),
);
