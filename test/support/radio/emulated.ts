/** Radios on one emulated channel in real time, which daemons reach as devices or by TCP. */
import { Random } from '../../sim/random.ts';
import { Channel } from './channel.ts';
import { RealClock } from './clock.ts';
import { PtyPort, TcpPort } from './ports.ts';
import { type RnodeFacts, RnodeModem } from './rnode-modem.ts';

/** On its channel a hundredth of a second is longer than this process may be kept from its timers. */
export class EmulatedRadios {
  readonly clock = new RealClock();
  readonly channel: Channel;
  readonly #random: Random;
  readonly #ports: (PtyPort | TcpPort)[] = [];

  constructor(seed = 1) {
    this.#random = new Random(seed);
    this.channel = new Channel(this.clock, this.#random.u32());
  }

  /** An RNode at a device file. */
  async rnode(changes: Partial<RnodeFacts> = {}): Promise<{ readonly modem: RnodeModem; readonly port: PtyPort }> {
    const modem = new RnodeModem(this.channel, this.#random.fork(), changes);
    const port = new PtyPort(this.clock, modem);
    this.#ports.push(port);
    await port.plug();
    return { modem, port };
  }

  /** One with Wi-Fi; its port on 127.0.0.1. It ends who is silent for 6.5 s. */
  async rnodeByTcp(changes: Partial<RnodeFacts> = {}): Promise<{ readonly modem: RnodeModem; readonly port: number }> {
    const modem = new RnodeModem(this.channel, this.#random.fork(), { resetsOnOpen: false, ...changes });
    const port = new TcpPort(this.clock, modem, undefined, 6_500);
    this.#ports.push(port);
    return { modem, port: await port.listen() };
  }

  async close(): Promise<void> {
    this.clock.stop();
    await Promise.all(this.#ports.map((port) => port.close()));
  }
}
