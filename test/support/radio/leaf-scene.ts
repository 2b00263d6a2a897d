/** One mesh: a real Yggdrasil and a LAN of ours, a gateway with a radio, and a leaf that has nothing but a radio. */
import { layLink } from '../carriers.ts';
import { testIdentity } from '../identity.ts';
import type { DaemonKind } from '../kind.ts';
import type { Lab } from '../lab.ts';
import type { TestNode } from '../node.ts';
import { ping } from '../ping.ts';
import { waitFor } from '../wait.ts';
import type { EmulatedRadios } from './emulated.ts';

const PORT = 9_300;
const START_MS = 60_000;
const ECHO_MS = 5_000;

/** 869.525 MHz, 125 kHz. */
export const LORA_SF7 = 'freq=869.525&bw=125&sf=7&cr=5&power=14';

export type LeafScene = {
  readonly plain: TestNode;
  readonly inside: TestNode;
  readonly gateway: TestNode;
  readonly leaf: TestNode;
};

/** All daemons are ready; the radio link may still be coming. */
export async function startLeafScene(
  lab: Lab,
  radios: EmulatedRadios,
  lora: string,
  farKind: DaemonKind = 'yggdrasil',
): Promise<LeafScene> {
  const [first, second] = [await radios.rnode(), await radios.rnode()];
  const [p, i, g, l] = await Promise.all(['plain', 'inside', 'gateway', 'leaf'].map((label) => lab.netns(label)));
  if (p === undefined || i === undefined || g === undefined || l === undefined) throw new Error('unreachable');
  const keyOf = (index: number) => (): string => testIdentity(index).publicKeyHex;
  const tcp = await layLink(lab, await lab.cable(p, i), PORT, { scheme: 'tcp' }, keyOf(0));
  const udp = await layLink(lab, await lab.cable(i, g), PORT + 1, { scheme: 'udp' }, keyOf(1));
  const radio = (path: string, to: number): string => `rnode://${path}?${lora}&key=${testIdentity(to).publicKeyHex}`;
  const config = { Radio: { Region: 'laboratory' } };
  const mtu = 1_280;
  const plain = lab.node('plain', { kind: farKind, netns: p, identity: testIdentity(0), listen: [tcp.listen], mtu });
  const inside = lab.node('inside', {
    kind: 'ratatosk',
    netns: i,
    identity: testIdentity(1),
    peers: [tcp.dial],
    listen: [udp.listen],
    mtu,
  });
  const gateway = lab.node('gateway', {
    kind: 'ratatosk',
    netns: g,
    identity: testIdentity(2),
    peers: [udp.dial, radio(first.port.path, 3)],
    mtu,
    config,
  });
  const leaf = lab.node('leaf', {
    kind: 'ratatosk',
    netns: l,
    identity: testIdentity(3),
    peers: [radio(second.port.path, 2)],
    mtu,
    config,
  });
  for (const node of [plain, inside, gateway, leaf]) node.launch();
  for (const node of [plain, inside, gateway, leaf]) await node.ready(START_MS);
  return { plain, inside, gateway, leaf };
}

/** Until an echo comes back, each of which has seconds to do so. */
export async function answersByRadio(from: TestNode, to: TestNode, limitMs: number): Promise<void> {
  const ask = async (): Promise<boolean> => (await ping(from, to, { limitMs: ECHO_MS })).received > 0;
  await waitFor(`an answer to ${from.label} from ${to.label} by radio`, ask, { limitMs });
}
