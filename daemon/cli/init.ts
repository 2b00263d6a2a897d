import { existsSync } from 'node:fs';
import { RatatoskError } from '../core/error.ts';
import { addressForKey, subnetForKey } from '../core/identity.ts';
import { addressText, hexText, subnetText } from '../host/address.ts';
import { configText } from '../host/init.ts';
import { newIdentity } from '../host/keys.ts';
import { defaultPlaces } from '../host/places.ts';
import { createSecretFile } from '../host/secret-file.ts';
import { EXIT_DONE, textOption, type Verb } from './verb.ts';

/** Where a packaged Yggdrasil keeps its file. */
const YGGDRASIL_FILES = ['/etc/yggdrasil/yggdrasil.conf', '/etc/yggdrasil.conf'];

export const verb: Verb = {
  usage: '[--config FILE]',
  help: `Makes an identity and a configuration with comments; never overwrites one.

  --config FILE   where to (default: ${defaultPlaces().config})`,
  options: { config: { type: 'string' } },
  words: [0, 0],
  run: async (options) => {
    const path = textOption(options, 'config') ?? defaultPlaces().config;
    const lines = [
      ...makeConfig(path),
      '',
      `Next: ratatosk up${options.config === undefined ? '' : ` --config ${path}`}`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
    return EXIT_DONE;
  },
};

/** Makes the file and says what is in it, a line each. */
export function makeConfig(path: string): string[] {
  if (existsSync(path)) {
    throw new RatatoskError('FILE_EXISTS', `${path}: exists already and is never overwritten; move it away first`);
  }
  const identity = newIdentity();
  createSecretFile(path, configText(identity));
  const lines = [
    `Configuration  ${path}`,
    `Address        ${addressText(addressForKey(identity.publicKey))}`,
    `Subnet         ${subnetText(subnetForKey(identity.publicKey))}`,
    `Public key     ${hexText(identity.publicKey)}`,
  ];
  const yggdrasil = YGGDRASIL_FILES.find((file) => existsSync(file));
  if (yggdrasil !== undefined)
    lines.push('', `To keep the address of Yggdrasil here: ratatosk up --config ${yggdrasil}`);
  return lines;
}
