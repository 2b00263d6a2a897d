/** From the URI of a modem to an open one: which port, which dialect. Loaded with the first such URI. */
import { connectTcp } from './connect.ts';
import { openDevice } from './device.ts';
import type { Dialect, DialectTools } from './dialect.ts';
import { Kiss } from './kiss.ts';
import type { LinkUri } from './link.ts';
import { Meshcore } from './meshcore.ts';
import { type Modem, type ModemUser, openModem } from './modem.ts';
import type { ModemOptions } from './modem-options.ts';
import { type OctetPort, StreamPort } from './octet-port.ts';
import { Rnode } from './rnode.ts';
import { Serial } from './serial.ts';

/** Rejects with what is wrong, without the name of the device. */
export async function openModemAt(
  uri: LinkUri,
  user: ModemUser,
  tools: DialectTools,
  signal: AbortSignal,
): Promise<Modem> {
  const { modem } = uri;
  if (modem === undefined) throw new Error(`${uri.name} is no modem`);
  const port = await openPort(uri, modem, signal);
  return openModem(port, dialectOf(uri, modem, user.hourShare, tools), user, signal);
}

async function openPort(uri: LinkUri, { baud, hasFlowControl }: ModemOptions, signal: AbortSignal): Promise<OctetPort> {
  if (uri.host === '') return openDevice(uri.path, baud, hasFlowControl);
  return new StreamPort(await connectTcp(uri, '', signal), 'the modem has ended the connection');
}

function dialectOf(uri: LinkUri, modem: ModemOptions, hourShare: number | undefined, tools: DialectTools): Dialect {
  const { baud, rate, mtu, lora, tnc, call } = modem;
  const isTcp = uri.host !== '';
  if (uri.scheme === 'rnode' && lora !== undefined) return new Rnode({ lora, mtu, hourShare, isTcp }, tools);
  if (uri.scheme === 'meshcore' && lora !== undefined) return new Meshcore({ lora, mtu, isTcp }, tools);
  if (uri.scheme === 'kiss' && rate !== undefined) return new Kiss({ tnc, rate, mtu, call, isTcp }, tools);
  return new Serial({ baud, rate, mtu });
}
