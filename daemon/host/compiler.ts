/** How soon the engine compiles what runs often. */
import { setFlagsFromString } from 'node:v8';

/** V8 12 counts calls where older ones counted octets of bytecode; a flag that it does not know would be a line on stderr. */
const HAS_CALL_COUNTS = Number.parseInt(process.versions.v8, 10) >= 12;
const FLAG = HAS_CALL_COUNTS ? '--invocation-count-for-turbofan=375' : '--interrupt-budget=8192';

/**
 * After an eighth of the usual work. The path of a packet is little code that meets the same types from the first one on: the
 * engine's caution would only make the first thousand packets after a start take twice as long.
 */
export function compileSoon(): void {
  setFlagsFromString(FLAG);
}
