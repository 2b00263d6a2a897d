/** The mask of WebSocket frames: the addon's, or its portable twin. */
import { loadAddon } from '../../native-bindings/addon.ts';
import type { Mask } from './ws-frames.ts';

/** The twin: octet by octet, a sixth of the addon's speed. */
export const portableMask: Mask = (source, sourceAt, length, target, targetAt, key) => {
  for (let i = 0; i < length; i++) {
    target[targetAt + i] = (source[sourceAt + i] as number) ^ (key >>> (8 * (i & 3)));
  }
};

export const mask: Mask = loadAddon()?.maskOctets ?? portableMask;
