/** Opens modems for the node: their drivers are loaded with the first of them. */
import { randomInt } from 'node:crypto';
import { frameAirMs } from './core/radio/air-time.ts';
import type { DialectTools } from './links/dialect.ts';
import type { ModemsUser } from './modems.ts';

export const openedModem: ModemsUser['open'] = async (uri, user, signal) => {
  const { openModemAt } = await import('./links/open-modem.ts');
  return openModemAt(uri, user, TOOLS, signal);
};

const TOOLS: DialectTools = {
  airMs: (air, octets) => frameAirMs({ ...air, limits: [], share: 1, ledger: '' }, octets),
  randomOctet: () => randomInt(256),
};
