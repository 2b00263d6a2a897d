/** Two channels of datagram links joined by buffers, without keys: what is inside the encryption of a link, alone. */
import { randomFillSync } from 'node:crypto';
import { Context } from '../../daemon/core/context.ts';
import { DEFAULT_LIMITS } from '../../daemon/core/limits.ts';
import { Channel } from '../../daemon/core/link/datagram/channel.ts';
import { RepairSpace } from '../../daemon/core/link/datagram/fragments.ts';
import { ReassemblySpace } from '../../daemon/core/link/datagram/reassembly.ts';
import type { PipeUser } from '../../daemon/core/link/pipe.ts';
import { type Crypto, DATAGRAM_ADDRESS, linkId, publicKey } from '../../daemon/core/port.ts';
import { ReplayWindow } from '../../daemon/core/replay-window.ts';
import { Writer } from '../../daemon/wire/cursor.ts';
import { FRAME } from '../../daemon/wire/frame.ts';

const ARENA = 70_000;
const BATCH = 16;

export class WirePair {
  readonly #from: Context;
  readonly #to: Context;
  readonly #sender: Channel;
  readonly #receiver: Channel;
  readonly #arena = new Uint8Array(ARENA);
  readonly #size: number;
  #arrived = 0;
  #nowMs = 1_000;

  /** Carries messages of `size` octets, in packets as large as the MTU allows. */
  constructor(size: number, mtu: number, crypto: Crypto) {
    this.#size = size;
    this.#from = newContext(crypto);
    this.#to = newContext(crypto);
    const user: PipeUser = {
      opened: () => undefined,
      frame: () => {
        this.#arrived++;
      },
      settle: () => {},
      gone: () => {},
    };
    this.#sender = newChannel(this.#from, this.#to, mtu, user);
    this.#receiver = newChannel(this.#to, this.#from, mtu, user);
    this.#sender.probe();
    for (let i = 0; i < 3_000; i++) this.#pass(1);
    if (this.#sender.mtu !== mtu) throw new Error(`packets of ${this.#sender.mtu} octets`);
  }

  get batchSize(): number {
    return BATCH;
  }

  /** One batch of messages that wait together. */
  carry(): void {
    const before = this.#arrived;
    const writer = (target: Uint8Array, at: number) => new Writer(target, at);
    for (let i = 0; i < BATCH; i++) {
      this.#sender.reserve(this.#size + 3, 1, 1);
      writer(this.#sender.target, this.#sender.targetAt).uvarint(this.#size).u8(FRAME.traffic);
    }
    this.#pass(0.01);
    if (this.#arrived !== before + BATCH) throw new Error('messages were lost');
  }

  #pass(ms: number): void {
    this.#nowMs += ms;
    for (const context of [this.#from, this.#to]) context.nowMs = this.#nowMs;
    this.#send(this.#from, this.#sender, this.#receiver);
    this.#send(this.#to, this.#receiver, this.#sender);
  }

  #send(context: Context, channel: Channel, other: Channel): void {
    if (context.timers.isDue(this.#nowMs)) channel.timer(this.#nowMs);
    for (;;) {
      const size = channel.next(this.#arena, 64, ARENA - 128);
      if (size < 0) break;
      other.receive(channel.plain, channel.plainAt, channel.plainAt + size, other.address, true);
    }
    context.pool.settle();
  }
}

function newContext(crypto: Crypto): Context {
  return new Context({
    seed: randomFillSync(new Uint8Array(32)),
    crypto,
    random: (octets) => randomFillSync(octets),
    allowedKeys: [],
    requiresBound: false,
    nodeInfo: new Uint8Array(0),
    groupPassword: new Uint8Array(0),
    e2e: 'off',
    e2eKnown: [],
    mtu: 65_535,
    hasTun: true,
    limits: DEFAULT_LIMITS,
  });
}

function newChannel(context: Context, peer: Context, mtu: number, user: PipeUser): Channel {
  context.nowMs = 1_000;
  return new Channel(context, {
    id: linkId(0),
    facts: {
      uri: 'memory',
      isInbound: false,
      isConfigured: true,
      password: new Uint8Array(0),
      priority: 0,
      cost: undefined,
      pinnedKeys: [],
      boundKey: undefined,
      isExemptFromAllowList: false,
    },
    key: publicKey(peer.key),
    priority: 0,
    carrierClass: 'U',
    isSlow: false,
    mtu,
    rxMtuOfPeer: mtu,
    isThin: false,
    hasRepair: true,
    address: new Uint8Array(DATAGRAM_ADDRESS),
    user,
    space: new ReassemblySpace(),
    repairSpace: new RepairSpace(),
    mark: () => {},
    window: () => new ReplayWindow(32),
  });
}
