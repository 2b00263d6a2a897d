/** What has become of paths, for whoever keeps a record: so many lines and no more, however the mesh flaps. */
import type { Context } from '../context.ts';
import { PATH_NEWS } from '../limits.ts';
import { equalOctets } from '../octetmap.ts';
import { Bucket } from '../policy.ts';
import type { Coords, PublicKey } from '../port.ts';
import type { Path } from './paths.ts';
import type { Peer } from './peers.ts';

export type PathEvent =
  /** A node is looked up and found, or found elsewhere, or again. */
  | { kind: 'pathFound'; key: PublicKey; coords: Coords; isNew: boolean }
  | { kind: 'pathBroken'; key: PublicKey }
  /** Packets to it leave by another peer than before. */
  | { kind: 'nextHopChanged'; key: PublicKey; before: PublicKey; after: PublicKey }
  /** Nobody has answered for this key, whole or partial, however often we asked. */
  | { kind: 'lookupFailed'; target: Uint8Array; asked: number };

export class PathNews {
  readonly #context: Context;
  readonly #bucket: Bucket;

  constructor(context: Context) {
    this.#context = context;
    this.#bucket = new Bucket(PATH_NEWS, context.nowMs);
  }

  /** `before`: where it was, or was broken; undefined: it was not known. That a path still holds is no news. */
  learned(path: Path, before: { readonly coords: Coords; readonly isBroken: boolean } | undefined): void {
    if (before !== undefined && !before.isBroken && equalOctets(before.coords, path.coords)) return;
    this.#tell({ kind: 'pathFound', key: path.key, coords: path.coords, isNew: before === undefined });
  }

  broken({ key, isBroken }: Path): void {
    if (!isBroken) this.#tell({ kind: 'pathBroken', key });
  }

  /** A packet has left by another peer than the one before. */
  left(path: Path, hop: Peer): void {
    const before = path.hop;
    path.hop = hop;
    if (before === undefined || equalOctets(before.key, hop.key)) return;
    this.#tell({ kind: 'nextHopChanged', key: path.key, before: before.key, after: hop.key });
  }

  /** @param target whole or partial key */
  unanswered(target: Uint8Array, asked: number): void {
    this.#tell({ kind: 'lookupFailed', target: target.slice(), asked });
  }

  #tell(event: PathEvent): void {
    if (this.#bucket.take(this.#context.nowMs)) this.#context.events.push(event);
  }
}
