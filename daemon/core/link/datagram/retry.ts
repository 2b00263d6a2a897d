/** When a link that has ended is asked for again (link document, section 15). */
import type { CloseReason } from '../../port.ts';
import { CLOSE } from './classes.ts';
import { closeCode } from './closing.ts';

/** After a protocol error, and again after each further one in a row, up to the cap. */
const PROTOCOL_ERROR_MS = { first: 60_000, cap: 3_600_000 };

/**
 * When the side that asked for a link asks again. `code` is that of the other side's CLOSE; `errors` counts protocol
 * errors in a row, this one included.
 */
export function retryAfterMs(reason: CloseReason, code: number | undefined, errors: number): number {
  if (reason === 'removed' || code === CLOSE.removed) return Number.POSITIVE_INFINITY;
  if (isProtocolError(reason, code)) {
    return Math.min(PROTOCOL_ERROR_MS.first * 2 ** Math.max(0, errors - 1), PROTOCOL_ERROR_MS.cap);
  }
  switch (code) {
    case CLOSE.shuttingDown:
      return 10_000;
    case CLOSE.limit:
    case CLOSE.duplicate:
      return 60_000;
    case CLOSE.restarting:
      return 1_000;
    default:
      return reason === 'too many links' ? 60_000 : 0;
  }
}

export function isProtocolError(reason: CloseReason, code: number | undefined): boolean {
  return code === undefined ? closeCode(reason) === CLOSE.protocolError : code === CLOSE.protocolError;
}
