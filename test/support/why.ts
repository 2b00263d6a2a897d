/** A node three hops away to which all is well; tests change what they are about. */
import type { WhyCandidate, WhyFacts } from '../../daemon/core/explain/facts.ts';
import { addressForKey } from '../../daemon/core/identity.ts';
import { linkId, publicKey } from '../../daemon/core/port.ts';

export const emptyQueue = { bytes: 0, maxBytes: 1_000, full: 0, late: 0, lossAgoMs: undefined };

const far = publicKey(new Uint8Array(32).fill(9));

export const chosenHop: WhyCandidate = {
  link: linkId(1),
  uri: 'tcp://192.0.2.1:1',
  key: publicKey(new Uint8Array(32).fill(1)),
  port: 1,
  state: 'chosen',
  rule: undefined,
  distance: 2,
  cost: 1,
  rttMs: 1,
  priority: 0,
  upMs: 9_000,
  hasOurRoot: true,
  isDoubtful: false,
  isBlocked: false,
  isRadio: false,
  mtu: undefined,
  airWaitMs: undefined,
  queue: emptyQueue,
};

export const knownFacts: WhyFacts = {
  target: { address: addressForKey(far), key: far },
  key: far,
  relation: 'other',
  links: { proven: 1, others: 0 },
  root: chosenHop.key,
  distance: 3,
  path: { ports: ['1', '2'], ageMs: 1_000, brokenAgoMs: undefined, isSuspect: false },
  lookup: undefined,
  reach: 1,
  session: {
    kind: 'e2e',
    isOpen: true,
    speaksE2e: true,
    keyAgeMs: 9,
    handshakeMs: undefined,
    unansweredMs: undefined,
    heardAgoMs: 5,
  },
  rule: 'only',
  candidates: [chosenHop],
  tunQueue: emptyQueue,
  isE2eRequired: false,
};
