import { describe, test } from 'node:test';
import type { LinkOptions } from '../support/mesh.ts';
import { needsMesh } from '../support/needs.ts';
import { carriesOverLink } from '../support/scenarios.ts';

const skip = needsMesh('ratatosk', 'yggdrasil');

describe('ratatosk and yggdrasil carry ping and TCP both ways', { concurrency: 3 }, () => {
  for (const link of allLinks()) {
    test(`over ${say(link)}`, { skip, timeout: 60_000 }, carriesOverLink(['ratatosk', 'yggdrasil'], link));
  }
});

function allLinks(): LinkOptions[] {
  const links: LinkOptions[] = [];
  for (const scheme of ['tcp', 'tls', 'ws'] as const) {
    for (const dialler of ['a', 'b'] as const) {
      for (const password of [undefined, 'four owls & a bell']) {
        for (const isPinned of [false, true]) {
          links.push({ scheme, dialler, isPinned, ...(password === undefined ? {} : { password }) });
        }
      }
    }
  }
  return links;
}

function say(link: LinkOptions): string {
  const who = link.dialler === 'a' ? 'ratatosk' : 'yggdrasil';
  const password = link.password === undefined ? 'without password' : 'with password';
  return `${link.scheme}, ${who} dialling, ${password}, ${link.isPinned === true ? 'key pinned' : 'any key'}`;
}
