/** What compressed packets cost: beside sealing alone, since that is what packets of fast paths are spared. */
import { bench, group } from 'mitata';
import { addressForKey, subnetForKey } from '../../daemon/core/identity.ts';
import { ContextSpace, FlowsIn, FlowsOut } from '../../daemon/core/session/flows.ts';
import { COMPRESSED_MAX, NONE, readCompressed } from '../../daemon/wire/compressed.ts';
import { Headers, readHeaders, writePacket } from '../../daemon/wire/headers.ts';
import { tcpPacket, timesOption } from '../../test/support/ip-packets.ts';

const keys = [1, 2].map((octet) => new Uint8Array(32).fill(octet)) as [Uint8Array, Uint8Array];
const [source, dest] = keys.map(addressForKey) as [Uint8Array, Uint8Array];
const [sourceSubnet, destSubnet] = keys.map(subnetForKey) as [Uint8Array, Uint8Array];
const ends = { source, sourceSubnet, dest, destSubnet };
const RECORD = 1;

export function compression(): void {
  group('TCP packets made small and whole again, one by one', () => {
    for (const size of [0, 36, 1_220]) {
      const packet = tcpPacket(ends, { options: timesOption(5, 6), data: new Uint8Array(size) });
      const out = new FlowsOut(ends);
      const into = new FlowsIn(ends, new ContextSpace());
      const headers = new Headers();
      const read = new Headers();
      const said = { makes: NONE, uses: NONE, got: NONE };
      const head = new Uint8Array(COMPRESSED_MAX);
      const content = new Uint8Array(packet.length);
      const whole = new Uint8Array(packet.length);
      let length = 0;
      const compress = (): void => {
        readHeaders(packet, 0, packet.length, ends, headers);
        const used = out.write(headers, packet, RECORD, 0, 0, NONE, head);
        content.set(head.subarray(0, used));
        content.set(packet.subarray(headers.dataAt), used);
        length = used + packet.length - headers.dataAt;
      };
      const expand = (): void => {
        readCompressed(content, 0, length, into, read, said);
        writePacket(read, content, length, ends, whole, 0);
        into.received(read, said);
      };
      compress();
      expand();
      out.acknowledged(0);
      bench(`${packet.length} octets, small`, compress);
      bench(`${packet.length} octets, whole again`, expand);
    }
  });
}
