/** Packets whose headers are said in few octets: content of end-to-end records (README of this folder). */
import { type Headers, OURS, putU16, putU32, RULE, TCP_FLAG, TCP_HEADER, TIMES_SIZE, u16, u32 } from './headers.ts';

/** Bit 1 of the features of an end-to-end session. */
export const FEATURE_COMPRESSION = 2;
/** First octets of contents: from here on they are compressed packets. */
export const COMPRESSED = 0x80;
export const CONTEXTS = 32;
/** No context; nothing to say about one. */
export const NONE = -1;
/** No compressed headers are longer. */
export const COMPRESSED_MAX = 128;

const CONTEXT_FORM = 0x40;

const PLAIN = { makes: 0x20, extras: 0x10, checksum: 0x08, feedback: 0x04 } as const;
const MORE = {
  feedback: 0x80,
  checksum: 0x40,
  extras: 0x20,
  push: 0x10,
  window: 8,
  flags: 4,
  urgent: 2,
  options: 1,
} as const;
const TCP_ONLY = 0x1f;
const EXTRA = { trafficClass: 1, label: 2, hopLimit: 4, source: 8, dest: 16 } as const;
const LAYOUT = { times: 1, urgent: 2, rest: 0x0c } as const;
const OPTIONS_MAX = 40;
const HOP_LIMIT = 64;
/** Octets of a number at most. */
const WIDTH_MAX = 3;

/** What a compressed packet says beside its headers. `NONE` where it says nothing. */
export type Said = {
  /** The context that it makes, is like, or has got. */
  makes: number;
  uses: number;
  got: number;
};

/** Why a packet could not be read. */
export type Fault = 'malformed' | 'context unknown';

/** The context of an id; undefined: nobody has made it. */
export type Contexts = { readonly base: (id: number) => Headers | undefined };

/** Writes the plain form at `to[0..]`, options out of `buffer`; gives its size. */
export function writePlain(headers: Headers, buffer: Uint8Array, makes: number, got: number, to: Uint8Array): number {
  const { rule, checksum } = headers;
  const extras = plainExtras(headers);
  let at = 1;
  if (makes !== NONE) to[at++] = makes;
  if (got !== NONE) to[at++] = got;
  at = writeExtras(headers, extras, to, at);
  if (rule === RULE.other) to[at++] = headers.next;
  else if (rule === RULE.tcp) at = writeTcp(headers, buffer, to, at);
  else {
    putU32(to, at, headers.flow);
    at += 4;
    if (rule === RULE.icmp) at = writeU16(to, at, headers.seq);
  }
  if (checksum !== OURS) at = writeU16(to, at, checksum);
  to[0] =
    COMPRESSED |
    (makes === NONE ? 0 : PLAIN.makes) |
    (extras === 0 ? 0 : PLAIN.extras) |
    (checksum === OURS ? 0 : PLAIN.checksum) |
    (got === NONE ? 0 : PLAIN.feedback) |
    rule;
  return at;
}

/** The same for the context form, if `isLike`; `headers` is of the flow of `base`, and both have timestamps or neither. */
export function writeLike(
  headers: Headers,
  base: Headers,
  id: number,
  buffer: Uint8Array,
  got: number,
  to: Uint8Array,
): number {
  const { rule, checksum } = headers;
  const extras = extrasOf(headers, base);
  const tcp = rule === RULE.tcp ? tcpBits(headers, base) : 0;
  const more =
    tcp |
    (got === NONE ? 0 : MORE.feedback) |
    (checksum === OURS ? 0 : MORE.checksum) |
    (extras === 0 ? 0 : MORE.extras);
  to[0] = COMPRESSED | CONTEXT_FORM | (id << 1) | (more === 0 ? 0 : 1);
  let at = 1;
  if (more !== 0) to[at++] = more;
  if (got !== NONE) to[at++] = got;
  at = writeExtras(headers, extras, to, at);
  if (rule === RULE.icmp) at = writeU16(to, at, headers.seq);
  else if (rule === RULE.tcp) at = writeTcpLike(headers, base, tcp, buffer, to, at);
  return checksum === OURS ? at : writeU16(to, at, checksum);
}

/** Whether a context of this base can say the packet. */
export function isLike(headers: Headers, base: Headers): boolean {
  return widest(headers, base) <= WIDTH_MAX;
}

/** Whether it says it well: its numbers in two octets, its label not at all. */
export function isNear(headers: Headers, base: Headers): boolean {
  if (headers.label !== base.label || headers.hopLimit !== base.hopLimit) return false;
  return widest(headers, base) < WIDTH_MAX;
}

/** Reads `buffer[at..end)`, of which it keeps the place of the options alone. Undefined: `into` and `said` are valid. */
export function readCompressed(
  buffer: Uint8Array,
  at: number,
  end: number,
  contexts: Contexts,
  into: Headers,
  said: Said,
): Fault | undefined {
  said.makes = NONE;
  said.uses = NONE;
  said.got = NONE;
  into.checksum = OURS;
  into.optionsSize = 0;
  into.dataAt = at + 1;
  if (at >= end) return 'malformed';
  const first = buffer[at] as number;
  if (first < COMPRESSED) return 'malformed';
  if ((first & CONTEXT_FORM) === 0) return readPlain(buffer, first, end, into, said) ? undefined : 'malformed';
  const base = contexts.base((first >> 1) & 0x1f);
  if (base === undefined) return 'context unknown';
  said.uses = (first >> 1) & 0x1f;
  into.keep(base);
  return readLike(buffer, (first & 1) === 1, end, base, into, said) ? undefined : 'malformed';
}

// Writing

/** Which octets of the IPv6 header are not as without a context. */
function plainExtras(headers: Headers): number {
  return (
    (headers.trafficClass === 0 ? 0 : EXTRA.trafficClass) |
    (headers.label === 0 ? 0 : EXTRA.label) |
    (headers.hopLimit === HOP_LIMIT ? 0 : EXTRA.hopLimit) |
    (headers.isSourceInSubnet ? EXTRA.source : 0) |
    (headers.isDestInSubnet ? EXTRA.dest : 0)
  );
}

function extrasOf(headers: Headers, base: Headers): number {
  return (
    (headers.trafficClass === base.trafficClass ? 0 : EXTRA.trafficClass) |
    (headers.label === base.label ? 0 : EXTRA.label) |
    (headers.hopLimit === base.hopLimit ? 0 : EXTRA.hopLimit)
  );
}

function writeExtras(headers: Headers, extras: number, to: Uint8Array, at: number): number {
  if (extras === 0) return at;
  to[at++] = extras;
  if ((extras & EXTRA.trafficClass) !== 0) to[at++] = headers.trafficClass;
  if ((extras & EXTRA.label) !== 0) {
    to[at++] = headers.label >>> 16;
    at = writeU16(to, at, headers.label);
  }
  if ((extras & EXTRA.hopLimit) !== 0) to[at++] = headers.hopLimit;
  if ((extras & EXTRA.source) !== 0) at = writeRest(to, at, headers.sourceHigh, headers.sourceLow);
  if ((extras & EXTRA.dest) !== 0) at = writeRest(to, at, headers.destHigh, headers.destLow);
  return at;
}

function writeTcp(headers: Headers, buffer: Uint8Array, to: Uint8Array, at: number): number {
  const { hasTimes, optionsAt, optionsSize, urgent } = headers;
  putU32(to, at, headers.flow);
  putU32(to, at + 4, headers.seq);
  putU32(to, at + 8, headers.acknowledged);
  to[at + 12] = headers.flags;
  putU16(to, at + 13, headers.window);
  const size = TCP_HEADER + (hasTimes ? TIMES_SIZE : 0) + optionsSize;
  to[at + 15] = (size << 2) | (hasTimes ? LAYOUT.times : 0) | (urgent === 0 ? 0 : LAYOUT.urgent);
  at += 16;
  if (hasTimes) at = writeRest(to, at, headers.timeValue, headers.timeEcho);
  if (urgent !== 0) at = writeU16(to, at, urgent);
  to.set(buffer.subarray(optionsAt, optionsAt + optionsSize), at);
  return at + optionsSize;
}

/** What is to be said of a TCP header besides its numbers. */
function tcpBits(headers: Headers, base: Headers): number {
  const { flags } = headers;
  let push: number = MORE.flags;
  if (flags === usualFlags(headers.hasData)) push = 0;
  else if (flags === usualFlags(!headers.hasData)) push = MORE.push;
  return (
    push |
    (headers.window === base.window ? 0 : MORE.window) |
    (headers.urgent === 0 ? 0 : MORE.urgent) |
    (headers.optionsSize === 0 ? 0 : MORE.options)
  );
}

function writeTcpLike(
  headers: Headers,
  base: Headers,
  bits: number,
  buffer: Uint8Array,
  to: Uint8Array,
  at: number,
): number {
  const seq = widthOf(headers.seq, base.seq);
  const acknowledged = widthOf(headers.acknowledged, base.acknowledged);
  const value = widthOf(headers.timeValue, base.timeValue);
  const echo = widthOf(headers.timeEcho, base.timeEcho);
  to[at++] = (seq << 6) | (acknowledged << 4) | (value << 2) | echo;
  at = writeLow(to, at, seq, headers.seq);
  at = writeLow(to, at, acknowledged, headers.acknowledged);
  at = writeLow(to, at, value, headers.timeValue);
  at = writeLow(to, at, echo, headers.timeEcho);
  if ((bits & MORE.window) !== 0) at = writeU16(to, at, headers.window);
  if ((bits & MORE.flags) !== 0) to[at++] = headers.flags;
  if ((bits & MORE.urgent) !== 0) at = writeU16(to, at, headers.urgent);
  if ((bits & MORE.options) === 0) return at;
  const { optionsAt, optionsSize } = headers;
  to[at++] = optionsSize >> 2;
  to.set(buffer.subarray(optionsAt, optionsAt + optionsSize), at);
  return at + optionsSize;
}

function writeLow(to: Uint8Array, at: number, width: number, value: number): number {
  if (width > 2) to[at++] = value >>> 16;
  if (width > 1) to[at++] = value >>> 8;
  if (width > 0) to[at++] = value;
  return at;
}

function writeRest(to: Uint8Array, at: number, high: number, low: number): number {
  return writeU32(to, writeU32(to, at, high), low);
}

function writeU32(to: Uint8Array, at: number, value: number): number {
  putU32(to, at, value);
  return at + 4;
}

function writeU16(to: Uint8Array, at: number, value: number): number {
  putU16(to, at, value);
  return at + 2;
}

// Reading. `into.dataAt` is the place of the next octet; past the end it reads zeros, which is looked at once, in the end.

function readPlain(buffer: Uint8Array, first: number, end: number, into: Headers, said: Said): boolean {
  const rule = first & 3;
  into.rule = rule;
  into.trafficClass = 0;
  into.label = 0;
  into.hopLimit = HOP_LIMIT;
  into.isSourceInSubnet = false;
  into.isDestInSubnet = false;
  into.sourceHigh = 0;
  into.sourceLow = 0;
  into.destHigh = 0;
  into.destLow = 0;
  if ((first & PLAIN.makes) !== 0) said.makes = take(buffer, into, 1, end);
  if ((first & PLAIN.feedback) !== 0) said.got = take(buffer, into, 1, end);
  if ((first & PLAIN.extras) !== 0 && !readExtras(buffer, into, end, true)) return false;
  if (rule === RULE.other) {
    into.next = take(buffer, into, 1, end);
    if ((first & (PLAIN.makes | PLAIN.checksum)) !== 0) return false;
  } else if (rule === RULE.tcp) {
    into.next = 6;
    if (!readTcp(buffer, into, end)) return false;
    if (said.makes !== NONE && into.optionsSize !== 0) return false;
  } else {
    into.next = rule === RULE.udp ? 17 : 58;
    into.flow = take(buffer, into, 4, end);
    into.seq = rule === RULE.icmp ? take(buffer, into, 2, end) : 0;
  }
  if ((first & PLAIN.checksum) !== 0) into.checksum = take(buffer, into, 2, end);
  return isWithin(into, end, said);
}

function readLike(
  buffer: Uint8Array,
  hasMore: boolean,
  end: number,
  base: Headers,
  into: Headers,
  said: Said,
): boolean {
  const more = hasMore ? take(buffer, into, 1, end) : 0;
  if (base.rule !== RULE.tcp && (more & TCP_ONLY) !== 0) return false;
  if ((more & MORE.feedback) !== 0) said.got = take(buffer, into, 1, end);
  if ((more & MORE.extras) !== 0 && !readExtras(buffer, into, end, false)) return false;
  if (base.rule === RULE.icmp) into.seq = take(buffer, into, 2, end);
  if (base.rule === RULE.tcp && !readTcpLike(buffer, more, end, base, into)) return false;
  if ((more & MORE.checksum) !== 0) into.checksum = take(buffer, into, 2, end);
  if (base.rule === RULE.tcp && (more & MORE.flags) === 0) {
    into.flags = usualFlags(into.dataAt < end !== ((more & MORE.push) !== 0));
  }
  return isWithin(into, end, said);
}

function readExtras(buffer: Uint8Array, into: Headers, end: number, hasAddresses: boolean): boolean {
  const extras = take(buffer, into, 1, end);
  if (extras > (hasAddresses ? 0x1f : 0x07)) return false;
  if ((extras & EXTRA.trafficClass) !== 0) into.trafficClass = take(buffer, into, 1, end);
  if ((extras & EXTRA.label) !== 0) into.label = take(buffer, into, 3, end);
  if ((extras & EXTRA.hopLimit) !== 0) into.hopLimit = take(buffer, into, 1, end);
  if ((extras & EXTRA.source) !== 0) {
    into.isSourceInSubnet = true;
    into.sourceHigh = take(buffer, into, 4, end);
    into.sourceLow = take(buffer, into, 4, end);
  }
  if ((extras & EXTRA.dest) !== 0) {
    into.isDestInSubnet = true;
    into.destHigh = take(buffer, into, 4, end);
    into.destLow = take(buffer, into, 4, end);
  }
  return into.label <= 0xf_ffff;
}

function readTcp(buffer: Uint8Array, into: Headers, end: number): boolean {
  into.flow = take(buffer, into, 4, end);
  into.seq = take(buffer, into, 4, end);
  into.acknowledged = take(buffer, into, 4, end);
  into.flags = take(buffer, into, 1, end);
  into.window = take(buffer, into, 2, end);
  const layout = take(buffer, into, 1, end);
  into.hasTimes = (layout & LAYOUT.times) !== 0;
  into.timeValue = into.hasTimes ? take(buffer, into, 4, end) : 0;
  into.timeEcho = into.hasTimes ? take(buffer, into, 4, end) : 0;
  into.urgent = (layout & LAYOUT.urgent) !== 0 ? take(buffer, into, 2, end) : 0;
  const options = (layout >> 4) * 4 - TCP_HEADER - (into.hasTimes ? TIMES_SIZE : 0);
  if (options < 0 || (layout & LAYOUT.rest) !== 0) return false;
  takeOptions(into, options);
  return true;
}

function readTcpLike(buffer: Uint8Array, more: number, end: number, base: Headers, into: Headers): boolean {
  const widths = take(buffer, into, 1, end);
  if (!base.hasTimes && (widths & 0x0f) !== 0) return false;
  into.seq = takeLow(buffer, into, widths >> 6, base.seq, end);
  into.acknowledged = takeLow(buffer, into, (widths >> 4) & 3, base.acknowledged, end);
  into.timeValue = takeLow(buffer, into, (widths >> 2) & 3, base.timeValue, end);
  into.timeEcho = takeLow(buffer, into, widths & 3, base.timeEcho, end);
  if ((more & MORE.window) !== 0) into.window = take(buffer, into, 2, end);
  if ((more & MORE.flags) !== 0) {
    if ((more & MORE.push) !== 0) return false;
    into.flags = take(buffer, into, 1, end);
  }
  into.urgent = (more & MORE.urgent) !== 0 ? take(buffer, into, 2, end) : 0;
  if ((more & MORE.options) === 0) return true;
  const options = 4 * take(buffer, into, 1, end);
  if (options === 0 || options > OPTIONS_MAX - (base.hasTimes ? TIMES_SIZE : 0)) return false;
  takeOptions(into, options);
  return true;
}

function takeOptions(into: Headers, size: number): void {
  into.optionsAt = into.dataAt;
  into.optionsSize = size;
  into.dataAt += size;
}

/** The next `count` octets as a number. */
function take(buffer: Uint8Array, into: Headers, count: number, end: number): number {
  const at = into.dataAt;
  into.dataAt = at + count;
  if (into.dataAt > end) return 0;
  if (count === 1) return buffer[at] as number;
  if (count === 2) return u16(buffer, at);
  return count === 4 ? u32(buffer, at) : (buffer[at] as number) * 0x1_0000 + u16(buffer, at + 1);
}

function isWithin({ dataAt }: Headers, end: number, { makes, got }: Said): boolean {
  return dataAt <= end && makes < CONTEXTS && got < CONTEXTS;
}

// Numbers by their low octets

/** What the flags are if nothing is said. */
function usualFlags(isPushed: boolean): number {
  return isPushed ? TCP_FLAG.ack | TCP_FLAG.psh : TCP_FLAG.ack;
}

/** In octets; 4: they are too far apart. */
function widthOf(value: number, base: number): number {
  if (value === base) return 0;
  if ((value - base + 0x40) >>> 0 < 0x100) return 1;
  if ((value - base + 0x4000) >>> 0 < 0x1_0000) return 2;
  return (value - base + 0x40_0000) >>> 0 < 0x100_0000 ? 3 : 4;
}

function widest(headers: Headers, base: Headers): number {
  if (headers.rule !== RULE.tcp) return 0;
  return Math.max(
    widthOf(headers.seq, base.seq),
    widthOf(headers.acknowledged, base.acknowledged),
    widthOf(headers.timeValue, base.timeValue),
    widthOf(headers.timeEcho, base.timeEcho),
  );
}

function takeLow(buffer: Uint8Array, into: Headers, width: number, base: number, end: number): number {
  if (width === 0) return base;
  const low = take(buffer, into, width, end);
  const mask = 0xff_ffff >>> (24 - 8 * width);
  const first = base - ((mask + 1) >>> 2);
  return (first + ((low - first) & mask)) >>> 0;
}
