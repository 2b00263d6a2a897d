/** One line for operators. Of an error of TLS its reason; its message is full of places in the library's source. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { reason, message } = error as Error & { reason?: unknown };
  return typeof reason === 'string' && reason !== '' ? `TLS: ${reason}` : message;
}
