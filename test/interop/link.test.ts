import { describe, test } from 'node:test';
import { type LinkOptions, needsCarrier, type Scheme } from '../support/carriers.ts';
import { needs, needsMesh } from '../support/needs.ts';
import { carriesOverLink } from '../support/scenarios.ts';

const skip = needsMesh('ratatosk', 'yggdrasil');
const PASSWORD = 'four owls & a bell';

describe('ratatosk and yggdrasil carry ping and TCP both ways', { concurrency: 3 }, () => {
  for (const link of allLinks()) {
    const options = { skip: skip || needs(needsCarrier(link.scheme ?? 'tcp')), timeout: 60_000 };
    test(`over ${say(link)}`, options, carriesOverLink(['ratatosk', 'yggdrasil'], link));
  }
});

/** Passwords and pins are the same over all: every case over two carriers, none and both of them over the others. */
function allLinks(): LinkOptions[] {
  const links: LinkOptions[] = [];
  const each: readonly { password?: string; isPinned: boolean }[] = [
    { isPinned: false },
    { isPinned: true },
    { isPinned: false, password: PASSWORD },
    { isPinned: true, password: PASSWORD },
  ];
  const add = (scheme: Scheme, cases: readonly LinkOptions[]): void => {
    for (const dialler of ['a', 'b'] as const) links.push(...cases.map((link) => ({ scheme, dialler, ...link })));
  };
  for (const scheme of ['tcp', 'ws'] as const) add(scheme, each);
  for (const scheme of ['tls', 'wss', 'unix', 'sockstls'] as const) add(scheme, [each[0] ?? {}, each[3] ?? {}]);
  add('socks', [each[0] ?? {}, { ...each[3], proxyLogin: 'me:secret' }]);
  return links;
}

function say(link: LinkOptions): string {
  const who = link.dialler === 'a' ? 'ratatosk' : 'yggdrasil';
  const login = link.proxyLogin === undefined ? '' : ' with a login';
  const password = link.password === undefined ? 'without password' : 'with password';
  return `${link.scheme}${login}, ${who} dialling, ${password}, ${link.isPinned === true ? 'key pinned' : 'any key'}`;
}
