/** What rows of carrier addresses say: IPv6 or mapped IPv4 (16 octets), interface (4), port (2). */
const PORT_AT = 20;

/** Never to where one packet reaches many or nobody, nor into the mesh itself; to ourselves only from ourselves. */
export function mayMoveTo(address: Uint8Array, old: Uint8Array): boolean {
  if (address[PORT_AT] === 0 && address[PORT_AT + 1] === 0) return false;
  if (isLoopback(address) && !isLoopback(old)) return false;
  if (isMapped(address)) {
    const first = address[12] as number;
    return first !== 0 && first < 224;
  }
  const first = address[0] as number;
  const isMesh = (first & 0xfe) === 0x02;
  const isUnspecified = isZero(address, 16);
  return first !== 0xff && !isMesh && !isUnspecified;
}

function isLoopback(address: Uint8Array): boolean {
  if (isMapped(address)) return address[12] === 127;
  return isZero(address, 15) && address[15] === 1;
}

function isMapped(address: Uint8Array): boolean {
  return isZero(address, 10) && address[10] === 0xff && address[11] === 0xff;
}

function isZero(address: Uint8Array, count: number): boolean {
  for (let i = 0; i < count; i++) if (address[i] !== 0) return false;
  return true;
}
