/** What a channel is made of. */
import { dataHeader, TAG } from '../../../wire/link-packets.ts';
import type { Context } from '../../context.ts';
import { MTU_BASE } from '../../limits.ts';
import type { CarrierClass, LinkFacts, LinkId, PublicKey } from '../../port.ts';
import type { ReplayWindow } from '../../replay-window.ts';
import type { TakeFrame } from '../assembler.ts';
import type { PipeUser } from '../pipe.ts';
import { Answers } from './answers.ts';
import type { Channel } from './channel.ts';
import { type ClassConstants, constantsOf } from './classes.ts';
import { ControlReceiver } from './control-receiver.ts';
import { ControlSender } from './control-sender.ts';
import type { RepairSpace } from './fragments.ts';
import { Liveness } from './liveness.ts';
import { PathMtu } from './path-mtu.ts';
import { Reassembly, type ReassemblySpace } from './reassembly.ts';
import { Roaming } from './roaming.ts';
import { RoundTrip } from './round-trip.ts';
import { Traffic } from './traffic.ts';

export type ChannelOptions = {
  readonly id: LinkId;
  readonly facts: LinkFacts;
  readonly key: PublicKey;
  /** The higher of both sides' options. */
  readonly priority: number;
  readonly carrierClass: CarrierClass;
  readonly isSlow: boolean;
  /** Whole packets, in octets: what our carrier takes at most, and what the other side receives. */
  readonly mtu: number;
  readonly rxMtuOfPeer: number;
  /** Both sides speak thin gossip. */
  readonly isThin: boolean;
  /** Both sides repair fragments. */
  readonly hasRepair: boolean;
  /** A row of `DATAGRAM_ADDRESS` octets. */
  readonly address: Uint8Array;
  readonly user: PipeUser;
  /** Each one for all links of a node. */
  readonly space: ReassemblySpace;
  readonly repairSpace: RepairSpace;
  /** Called when there may be something to send; then `next` is to be called until it has nothing. */
  readonly mark: (channel: Channel) => void;
  /** What has come under the key that we seal with. */
  readonly window: () => ReplayWindow;
};

export type Parts = {
  readonly constants: ClassConstants;
  /** Octets of a record around its plaintext. */
  readonly overhead: number;
  readonly roundTrip: RoundTrip;
  readonly liveness: Liveness;
  readonly answers: Answers;
  readonly controlOut: ControlSender;
  readonly controlIn: ControlReceiver;
  readonly reassembly: Reassembly;
  readonly traffic: Traffic;
  readonly mtu: PathMtu;
  readonly roaming: Roaming;
};

export function newParts(context: Context, options: ChannelOptions, takeControl: TakeFrame): Parts {
  const { carrierClass, isSlow, mtu, rxMtuOfPeer, user, space, repairSpace, address, hasRepair } = options;
  const { nowMs, pool, options: node } = context;
  const constants = constantsOf(carrierClass, isSlow);
  const queueBytes = carrierClass === 'U' ? node.limits.trafficQueueBytes : constants.queueBytes;
  const overhead = dataHeader(constants.dataType) + TAG;
  const roundTrip = new RoundTrip(constants);
  const most = Math.min(mtu, rxMtuOfPeer);
  const base = carrierClass === 'U' ? Math.min(MTU_BASE, most) : most;
  return {
    constants,
    overhead,
    roundTrip,
    liveness: new Liveness(constants, nowMs),
    answers: new Answers(),
    controlOut: new ControlSender(constants, roundTrip),
    controlIn: new ControlReceiver(constants.ctrlWindow, takeControl, () => user.settle()),
    reassembly: new Reassembly(constants, pool, space, hasRepair),
    traffic: new Traffic(context, constants, queueBytes, repairSpace, hasRepair, overhead),
    mtu: new PathMtu(base, most, nowMs),
    roaming: new Roaming(address, constants.probeAfterMs, node.random, nowMs),
  };
}
