/** What a modem may send: by the region of the configuration. */
import type { LinkUri } from './links/link.ts';
import type { AirRules } from './modems.ts';

/** A cable may send what it likes; who names LoRa parameters or a rate of its own is a transmitter. */
export function airRules({ name, modem }: LinkUri): AirRules {
  const isTransmitter = modem?.lora !== undefined || modem?.rate !== undefined;
  const refusal = isTransmitter ? 'no region is set: add Radio: { Region: … } to the configuration' : undefined;
  return { limits: [], share: 1, ledger: name, refusal };
}
