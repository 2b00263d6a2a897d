/** CRC-16/CCITT-FALSE: polynomial 0x1021, begun with 0xffff, nothing reflected. It finds every error burst of up to 16 bits. */
const POLYNOMIAL = 0x1021;

const TABLE = Uint16Array.from({ length: 256 }, (_, octet) => {
  let crc = octet << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ POLYNOMIAL : crc << 1;
  return crc;
});

/** Of `octets` from `at` up to `end`. */
export function crc16(octets: Uint8Array, at: number, end: number): number {
  let crc = 0xffff;
  for (let i = at; i < end; i++) {
    crc = ((crc << 8) ^ (TABLE[(crc >> 8) ^ (octets[i] as number)] as number)) & 0xffff;
  }
  return crc;
}
