import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { VERBS } from '../../daemon/cli/verbs.ts';
import { needs, needsTool } from '../support/needs.ts';
import { ratatoskMain } from '../support/places.ts';
import { mustRun } from '../support/process.ts';
import { linkedPeer, lonelyRouter, startAdmin, temporaryFolder } from './admin-fixture.ts';

const ratatosk = [process.execPath, ratatoskMain] as const;

/** A folder with the script of a shell and a command `ratatosk`, whose runtime folder is the same. */
async function scriptOf(t: TestContext, shell: string): Promise<{ script: string; env: NodeJS.ProcessEnv }> {
  const folder = temporaryFolder(t);
  const script = join(folder, `completion.${shell}`);
  writeFileSync(script, await mustRun([...ratatosk, 'completion', shell]));
  writeFileSync(join(folder, 'ratatosk'), `#!/bin/sh\nexec ${ratatosk.join(' ')} "$@"\n`, { mode: 0o755 });
  const path = [folder, dirname(process.execPath), process.env.PATH].join(delimiter);
  const places = { RUNTIME_DIRECTORY: folder, CONFIGURATION_DIRECTORY: folder, HOME: folder, XDG_CONFIG_HOME: folder };
  return { script, env: { PATH: path, ...places, TERM: 'dumb' } };
}

type Complete = (line: string) => Promise<string[]>;

async function bash(t: TestContext): Promise<Complete> {
  const { script, env } = await scriptOf(t, 'bash');
  return async (line) => {
    const body = `source ${script}; COMP_LINE=$1 COMP_POINT=\${#1}; compopt() { :; }; _ratatosk; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return words(await mustRun(['bash', '--norc', '-c', body, 'bash', line], { env }));
  };
}

async function fish(t: TestContext): Promise<Complete> {
  const { script, env } = await scriptOf(t, 'fish');
  return async (line) => {
    const out = await mustRun(['fish', '--no-config', '-c', `source ${script}; complete -C "$argv[1]"`, line], { env });
    return words(out).map((row) => row.split('\t')[0] ?? '');
  };
}

/** An interactive zsh on a pseudo terminal of its own: only there its completion lives. */
async function zsh(t: TestContext): Promise<Complete> {
  const { script, env } = await scriptOf(t, 'zsh');
  const start = [
    "PROMPT='' RPROMPT=''; autoload -U compinit; compinit -u -D; unsetopt zle_bracketed_paste 2>/dev/null",
    `source ${script}; LISTMAX=9999; setopt no_beep`,
    // What would be offered goes to a file, in place of the screen.
    `compadd() { local -a found; builtin compadd -O found "$@"; print -l -- $found >>$OFFERS; builtin compadd "$@" }`,
  ];
  return async (line) => {
    const offers = join(temporaryFolder(t), 'offers');
    const body = [
      'zmodload zsh/zpty; zpty z zsh -f -i',
      ...start.map((command) => `zpty -w z ${quote(command)}`),
      // Before the line editor has the terminal, a Tab is no question and Ctrl-U takes the line away.
      `zpty -w z ${quote('zle-line-init() { print rea""dy }; zle -N zle-line-init')}; zpty -r z seen '*ready*'`,
      `zpty -wn z ${quote(line)}$'\\t'; zpty -wn z $'\\x15'; zpty -w z ${quote('print do""ne')}; zpty -r z seen '*done*'`,
      'zpty -d z',
    ];
    await mustRun(['zsh', '-f', '-c', body.join('\n')], { env: { ...env, OFFERS: offers } });
    return words(await mustRun(['sh', '-c', `cat ${offers} 2>/dev/null || true`]));
  };
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const words = (text: string): string[] => text.split('\n').filter((word) => word.trim() !== '');

for (const [shell, start] of Object.entries({ bash, zsh, fish })) {
  const options = { skip: needs(needsTool(shell)), timeout: 90_000 };
  test(`${shell} completes verbs, options, actions and targets`, options, async (t) => {
    const complete = await start(t);
    const verbs = new Set(await complete('ratatosk '));
    for (const { name } of VERBS) assert.ok(verbs.has(name), `${shell}: ${name} is missing in ${[...verbs].join(' ')}`);
    assert.deepEqual(new Set(await complete('ratatosk ev')), new Set(['events']));
    const options = await complete('ratatosk events --');
    for (const name of ['--since', '--kind', '--follow', '--json', '--socket', '--help']) {
      assert.ok(options.includes(name), `${shell}: ${name} is missing in ${options.join(' ')}`);
    }
    assert.deepEqual(new Set(await complete('ratatosk firewall ')), new Set(['show', 'allow', 'deny']));
    assert.deepEqual(new Set(await complete('ratatosk peer re')), new Set(['remove']));
  });
}

test('targets are the names of the configuration and the nodes that the daemon knows', async (t) => {
  const socket = await startAdmin(t, { ...lonelyRouter(), peers: () => [linkedPeer(3)] });
  const folder = dirname(socket);
  symlinkSync(socket, join(folder, 'ratatosk.sock'));
  writeFileSync(join(folder, 'ratatosk.conf'), '{ Names: { laptop: "200::1", "no word": "200::2" } }', { mode: 0o600 });
  const env = { RUNTIME_DIRECTORY: folder, CONFIGURATION_DIRECTORY: folder };
  const found = words(await mustRun([...ratatosk, 'completion', 'targets'], { env }));
  assert.equal(found[0], 'laptop');
  assert.match(found[1] ?? '', /^2\w\w:/);
  assert.ok(!found.some((word) => word.includes(' ')));
  const none = temporaryFolder(t);
  const empty = await mustRun([...ratatosk, 'completion', 'targets'], {
    env: { RUNTIME_DIRECTORY: none, CONFIGURATION_DIRECTORY: none },
  });
  assert.doesNotMatch(empty, /laptop/);
});

test('bash completes addresses behind their colons, and only the first word', {
  skip: needs(needsTool('bash')),
}, async (t) => {
  const { script } = await scriptOf(t, 'bash');
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'ratatosk'), '#!/bin/sh\nprintf "200:1:2::3\\n200:1:4::5\\nlaptop\\n"\n', { mode: 0o755 });
  const env = { PATH: [folder, process.env.PATH].join(delimiter) };
  const complete = async (line: string): Promise<string[]> => {
    const body = `source ${script}; COMP_LINE=$1 COMP_POINT=\${#1}; _ratatosk; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return words(await mustRun(['bash', '--norc', '-c', body, 'bash', line], { env }));
  };
  assert.deepEqual(await complete('ratatosk ping 200:1:'), ['2::3', '4::5']);
  assert.deepEqual(await complete('ratatosk ping l'), ['laptop']);
  assert.deepEqual(await complete('ratatosk ping -c 3 l'), ['laptop']);
  assert.deepEqual(await complete('ratatosk ping laptop '), []);
  assert.deepEqual(await complete('ratatosk ping -c '), []);
});
