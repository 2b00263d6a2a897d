/** KISS on the modem's side (radio reference, section 2.1), without our own code of it. */
const [FEND, FESC, TFEND, TFESC] = [0xc0, 0xdb, 0xdc, 0xdd];

/** A frame: its type octet and what follows. */
export function kissFrame(type: number, payload: Uint8Array | readonly number[] = []): Uint8Array {
  const octets = [FEND, type];
  for (const octet of payload) {
    if (octet === FEND) octets.push(FESC, TFEND);
    else if (octet === FESC) octets.push(FESC, TFESC);
    else octets.push(octet);
  }
  return Uint8Array.from([...octets, FEND]);
}

/** Whole frames out of octets as they come: what is between two delimiters, unescaped. */
export class KissReader {
  readonly #frame: (type: number, payload: Uint8Array) => void;
  #octets: number[] = [];
  #isEscaped = false;

  constructor(frame: (type: number, payload: Uint8Array) => void) {
    this.#frame = frame;
  }

  read(octets: Uint8Array): void {
    for (const octet of octets) this.#take(octet);
  }

  #take(octet: number): void {
    if (octet === FEND) {
      const [type, ...payload] = this.#octets;
      this.#octets = [];
      this.#isEscaped = false;
      if (type !== undefined) this.#frame(type, Uint8Array.from(payload));
    } else if (octet === FESC) this.#isEscaped = true;
    else {
      this.#octets.push(this.#isEscaped && octet === TFEND ? FEND : this.#isEscaped && octet === TFESC ? FESC : octet);
      this.#isEscaped = false;
    }
  }
}

export function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

export function u16(value: number): number[] {
  return [(value >>> 8) & 0xff, value & 0xff];
}
