import { describe, test } from 'node:test';
import { needsMesh } from '../support/needs.ts';
import { carriesOverLink, recoversFromKill } from '../support/scenarios.ts';

const options = { skip: needsMesh('ratatosk'), timeout: 90_000 };
const two = ['ratatosk', 'ratatosk'] as const;
const udp = { scheme: 'udp' } as const;

describe('two ratatosks carry ping and TCP both ways over udp', { concurrency: 2 }, () => {
  test('over IPv4', options, carriesOverLink(two, udp));
  test('over IPv6', options, carriesOverLink(two, { ...udp, isIpv6: true }));
  test('with a password', options, carriesOverLink(two, { ...udp, password: 'four owls & a bell' }));
});

/** Silence counts after 6 s; the rest is the start of a daemon on a busy machine. */
const BACK_MS = 15_000;

describe('after SIGKILL and restart traffic flows over udp', { concurrency: 2 }, () => {
  test('of the one that dials', options, recoversFromKill(two, { ...udp, victim: 'b', dialler: 'b' }, BACK_MS));
  test('of the one that listens', options, recoversFromKill(two, { ...udp, victim: 'b', dialler: 'a' }, BACK_MS));
});
