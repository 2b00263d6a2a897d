import { describe, test } from 'node:test';
import { needsMesh } from '../support/needs.ts';
import { carriesOverLink } from '../support/scenarios.ts';

const options = { skip: needsMesh('ratatosk'), timeout: 60_000 };
const two = ['ratatosk', 'ratatosk'] as const;

describe('two ratatosks carry ping and TCP both ways', { concurrency: 3 }, () => {
  test('over tcp', options, carriesOverLink(two, { scheme: 'tcp' }));
  test('over tcp, the other side dialling', options, carriesOverLink(two, { scheme: 'tcp', dialler: 'a' }));
  test('over tcp with IPv6 below', options, carriesOverLink(two, { scheme: 'tcp', isIpv6: true }));
  test('over tls', options, carriesOverLink(two, { scheme: 'tls' }));
  test('over tls with IPv6 below', options, carriesOverLink(two, { scheme: 'tls', isIpv6: true }));
  test('over a file', options, carriesOverLink(two, { scheme: 'unix' }));
  test('over ws', options, carriesOverLink(two, { scheme: 'ws' }));
  test('over ws with IPv6 below', options, carriesOverLink(two, { scheme: 'ws', isIpv6: true }));
  test(
    'over a link with password and pinned key',
    options,
    carriesOverLink(two, { scheme: 'tcp', password: 'four owls & a bell', isPinned: true }),
  );
});
