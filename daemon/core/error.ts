/**
 * The world failed: a port taken, a device gone, a bad configuration. The message says what was attempted, on what,
 * and what the operator can do. Codes are stable: tests and tools match them, never the message.
 */
export class RatatoskError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'RatatoskError';
    this.code = code;
  }
}
