/** Of packets: a voice, an Ethernet frame, a TLS record, the largest there is. */
export const SIZES = [64, 1_400, 16_384, 65_535] as const;
