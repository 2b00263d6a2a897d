/** The checks of `doctor`, causes before what they cause: of several problems the first is the likely cause of the others. */
import { clock } from './clock.ts';
import { configuration } from './configuration.ts';
import type { Check } from './finding.ts';
import { firewall } from './firewall.ts';
import { limits } from './limits.ts';
import { modems } from './modems.ts';
import { mtu } from './mtu.ts';
import { peers } from './peers.ts';
import { ports } from './ports.ts';
import { complaints, running } from './running.ts';
import { system } from './system.ts';
import { tun } from './tun.ts';

export const CHECKS: readonly Check[] = [
  configuration,
  clock,
  system,
  tun,
  firewall,
  ports,
  modems,
  mtu,
  peers,
  limits,
  running,
  complaints,
];
