/** A modem as its host meets it: octets in, octets out, on somebody's clock. */
export interface Modem {
  /** Octets from the host. */
  input(octets: Uint8Array): void;
  /** Where octets for the host go. Set by whoever carries them. */
  output: (octets: Uint8Array) => void;
  /** The host has opened the port, and so toggled DTR. */
  opened(): void;
  /** Power gone and back, whatever it was doing. */
  reset(): void;
}
