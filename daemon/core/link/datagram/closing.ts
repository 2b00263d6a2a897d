/** CLOSE frames: our reasons as numbers, and what the other side's numbers mean (link document, section 15). */
import { CLOSE_TEXT_MAX } from '../../../wire/link-frames.ts';
import type { CloseReason } from '../../port.ts';
import { CLOSE } from './classes.ts';

/** Undefined: there is nobody to be told, or nothing that would help. */
export function closeCode(reason: CloseReason): number | undefined {
  switch (reason) {
    case 'shutdown':
      return CLOSE.shuttingDown;
    case 'peer too slow':
      return CLOSE.tooSlow;
    case 'removed':
      return CLOSE.removed;
    case 'too many links':
      return CLOSE.limit;
    case 'peer silent':
    case 'peer restarted':
    case 'closed by peer':
      return undefined;
    default:
      return CLOSE.protocolError;
  }
}

const MEANINGS: Record<number, string> = {
  [CLOSE.shuttingDown]: 'it shuts down',
  [CLOSE.restarting]: 'it restarts',
  [CLOSE.protocolError]: 'it found a protocol error',
  [CLOSE.tooSlow]: 'we are too slow for it',
  [CLOSE.removed]: 'its operator removed the link',
  [CLOSE.limit]: 'it has too many links',
  [CLOSE.duplicate]: 'it has this link already',
};

/** The other side's words can hold anything: only printable ASCII is kept. */
export function closeDetail(code: number, text: Uint8Array): string {
  const meaning = MEANINGS[code] ?? `reason ${code}`;
  const words = [...text].map((octet) => (octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '?')).join('');
  return words === '' ? meaning : `${meaning}: ${words}`;
}

export function closeText(detail: string): Uint8Array {
  const text = detail.slice(0, CLOSE_TEXT_MAX);
  return Uint8Array.from(text, (char) => {
    const code = char.charCodeAt(0);
    return code >= 0x20 && code < 0x7f ? code : 0x3f;
  });
}
