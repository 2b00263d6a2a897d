import { loadConfig } from '../host/config.ts';
import { defaultPlaces } from '../host/places.ts';
import { printable } from '../host/printable.ts';
import { type Ask, adminClient } from './client.ts';
import { completionScript, type OptionFacts, SHELLS, type VerbFacts } from './completion-scripts.ts';
import { EXIT_DONE, type Verb } from './verb.ts';
import { VERBS } from './verbs.ts';

const TARGETS_MAX = 500;
/** Options whose value is a path. */
const FILES = ['config', 'socket', 'from', 'record', 'replay', 'output'];

export const verb: Verb = {
  usage: 'bash | zsh | fish',
  help: `Prints a script with which the shell completes verbs, options and targets.

  bash   source <(ratatosk completion bash)        in ~/.bashrc
  zsh    source <(ratatosk completion zsh)         in ~/.zshrc, behind compinit
  fish   ratatosk completion fish | source         in ~/.config/fish/config.fish`,
  options: {},
  actions: [...SHELLS, 'targets'],
  words: [1, 1],
  run: async (_options, [action]) => {
    const shell = SHELLS.find((name) => name === action);
    const text = shell === undefined ? await targets() : completionScript(shell, await allFacts());
    process.stdout.write(text);
    return EXIT_DONE;
  },
};

async function allFacts(): Promise<VerbFacts[]> {
  return Promise.all(VERBS.map(async ({ name, says, load }) => factsOf(name, says, await load())));
}

function factsOf(name: string, says: string, verb: Verb): VerbFacts {
  const options = Object.entries(verb.options).map(([option, { type, short }]): OptionFacts => {
    const isValued = type === 'string';
    return {
      name: option,
      short,
      isValued,
      isFile: isValued && FILES.includes(option),
      says: saysOf(verb.help, option),
    };
  });
  const help = { name: 'help', short: 'h', isValued: false, isFile: false, says: 'tells more' };
  const actions = verb.actions?.filter((action) => action !== 'targets') ?? [];
  return { name, says, options: [...options, help], actions, hasTarget: verb.hasTarget === true };
}

/** What the help says of an option in its first line. */
function saysOf(help: string, option: string): string {
  const row = new RegExp(`^ {2,}(?:-\\w, )?(?:--[\\w-]+, )?--${option}\\b[^\\n]*? {2,}(\\S[^\\n]*)$`, 'm').exec(help);
  return row?.[1] ?? `--${option}`;
}

/** A line each; nothing where there is no daemon: nobody wants to read an error while typing. */
async function targets(): Promise<string> {
  const found = new Set([...namesOf(), ...(await known())]);
  const words = [...found].filter((word) => !/\s/.test(word) && printable(word) === word);
  return words
    .slice(0, TARGETS_MAX)
    .map((word) => `${word}\n`)
    .join('');
}

function namesOf(): string[] {
  try {
    return Object.keys(loadConfig(defaultPlaces().config).config.Names);
  } catch {
    return [];
  }
}

async function known(): Promise<string[]> {
  try {
    const ask: Ask = adminClient({});
    const [{ peers }, { sessions }, { tree }] = [await ask('getPeers'), await ask('getSessions'), await ask('getTree')];
    return [...peers, ...sessions, ...tree].flatMap(({ address }) => address ?? []);
  } catch {
    return [];
  }
}
