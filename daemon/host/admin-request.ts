/** What a tool asks on the admin socket (section 7.1), and what goes back. */
import { RatatoskError } from '../core/error.ts';
import { goJson, type Json } from './admin-json.ts';
import { isMembers, type Members } from './members.ts';

export type AdminRequest = {
  /** As it was sent; matched without regard to case. */
  readonly name: string;
  readonly args: Json;
  readonly isKept: boolean;
};

/** A call's arguments after the check: those it knows, by their names. */
export type AdminArguments = ReadonlyMap<string, string>;

/** Undefined: it is no JSON object that can be a request. Unknown members are ignored, as Yggdrasil does. */
export function readRequest(text: string): AdminRequest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isMembers(value)) return undefined;
  const name = member(value, 'request') ?? '';
  const isKept = member(value, 'keepalive') ?? false;
  if (typeof name !== 'string' || typeof isKept !== 'boolean') return undefined;
  const args = member(value, 'arguments');
  // JSON.parse makes nothing but JSON.
  return { name, args: args === undefined ? {} : (args as Json), isKept };
}

/** Checks the arguments a call knows. Others are ignored, or refused where `isStrict`. */
export function readArguments(args: Json, fields: readonly string[], isStrict: boolean): AdminArguments {
  const found = new Map<string, string>();
  if (args === null) return found;
  if (!isMembers(args)) throw new RatatoskError('ARGUMENTS', 'arguments: expected an object');
  for (const [name, value] of Object.entries(args)) {
    const field = fields.find((known) => known.toLowerCase() === name.toLowerCase());
    if (field === undefined) {
      if (isStrict) throw new RatatoskError('ARGUMENTS', `arguments: ${name} is unknown to this request`);
      continue;
    }
    if (value === null) continue;
    if (typeof value !== 'string') throw new RatatoskError('ARGUMENTS', `arguments: ${name} must be a string`);
    found.set(field, value);
  }
  return found;
}

/** A whole number among the arguments. */
export function wholeOf(
  args: AdminArguments,
  name: string,
  { byDefault, least = 0, most = 1e15 - 1 }: { byDefault: number; least?: number; most?: number },
): number {
  const text = args.get(name);
  if (text === undefined) return byDefault;
  if (/^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
  const range = most === 1e15 - 1 ? '' : ` from ${least} to ${most}`;
  throw new RatatoskError('ARGUMENTS', `arguments: ${name} must be a whole number${range}`);
}

export function successText(request: AdminRequest, response: Json): string {
  return `${goJson({ status: 'success', request: echoed(request), response })}\n`;
}

/** `request` is undefined when none could be read. */
export function errorText(request: AdminRequest | undefined, error: string): string {
  const understood = request === undefined ? { request: '' } : echoed(request);
  return `${goJson({ status: 'error', error, request: understood, response: null })}\n`;
}

function echoed({ name, args, isKept }: AdminRequest): Json {
  return { request: name, arguments: args, keepalive: isKept ? true : undefined };
}

function member(value: Members, name: string): unknown {
  if (Object.hasOwn(value, name)) return value[name] ?? undefined;
  const other = Object.keys(value).find((key) => key.toLowerCase() === name);
  return other === undefined ? undefined : (value[other] ?? undefined);
}
