/** What this node tells about itself to whoever asks: `NodeInfo` of the configuration, and of the build unless private. */
import { RatatoskError } from '../core/error.ts';
import type { Config } from './schema.ts';

/** Section 6.1. */
const OCTETS_MAX = 16_384;

/** Go's names, which Yggdrasil's nodes use, where Node has others. */
const PLATFORMS: Readonly<Record<string, string>> = { win32: 'windows', sunos: 'solaris' };
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** Throws `CONFIG_INVALID` if it is larger than others take. */
export function nodeInfoOctets(config: Config, version: string): Uint8Array {
  const build = {
    buildname: 'ratatosk',
    buildversion: version,
    buildplatform: PLATFORMS[process.platform] ?? process.platform,
    buildarch: ARCHITECTURES[process.arch] ?? process.arch,
  };
  const info = { ...config.NodeInfo, ...(config.NodeInfoPrivacy ? {} : build) };
  const octets = new TextEncoder().encode(JSON.stringify(info));
  if (octets.length <= OCTETS_MAX) return octets;
  const found = `found ${octets.length} octets as JSON, expected at most ${OCTETS_MAX}`;
  throw new RatatoskError('CONFIG_INVALID', `NodeInfo: ${found}: make it smaller`);
}
