/** The tables of outcomes in the protocol's test vectors. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from './places.ts';

type Tables = {
  handshake: { outcomes_of_the_reference_listener: { case: string; result: string }[] };
  routing_messages: { frame_outcomes_of_the_reference_daemon: { input: string; result: string }[] };
};

const vectors: Tables = JSON.parse(readFileSync(join(repoRoot, 'test/vectors/yggdrasil-0.5.json'), 'utf8'));

export const greetingOutcomes = vectors.handshake.outcomes_of_the_reference_listener;
export const frameOutcomes = vectors.routing_messages.frame_outcomes_of_the_reference_daemon;
