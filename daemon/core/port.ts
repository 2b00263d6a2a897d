/**
 * The contract between the core and the shells that feed it.
 *
 * One `handle(input, nowMs)`, then `drain(sink)`, then wait for `deadline()`. The core reads no clock, draws no
 * randomness of its own and calls nothing back but the sink it is given. Time is monotonic milliseconds.
 */
import type { Segments } from '../wire/segments.ts';
import type { HopEvent, HopRequest } from './hops.ts';
import type { AirFacts, AirMemory, AirRecord, AirReport } from './radio/facts.ts';
import type { PathEvent } from './routing/path-news.ts';

export type * from './explain/facts.ts';
export type * from './facts.ts';
export type { AirFacts, AirLimit, AirMemory, AirRecord, AirReport, Modulation, RadioInfo } from './radio/facts.ts';
export type { LookupSeen } from './routing/lookup-log.ts';

declare const brand: unique symbol;

/** 32 octets: an Ed25519 public key, the identity of a node. */
export type PublicKey = Uint8Array & { readonly [brand]: 'PublicKey' };

/** Ports from the root down to a node, as minimal uvarints without the terminating zero. Empty for a root. */
export type Coords = Uint8Array & { readonly [brand]: 'Coords' };

/** A small integer that the driver gives to a connected carrier and uses again after `linkClosed`. */
export type LinkId = number & { readonly [brand]: 'LinkId' };

/** A small integer that the driver gives to an open datagram carrier and uses again after `socketClosed`. */
export type SocketId = number & { readonly [brand]: 'SocketId' };

/** Names one wish for a datagram link, from `dial` until `dialFailed`, `dialCancelled` or the `datagramLinkDown` that names it. */
export type DialId = number & { readonly [brand]: 'DialId' };

/** Brands 32 octets as a key. The caller has checked where they come from; the length is checked here. */
export function publicKey(octets: Uint8Array): PublicKey {
  if (octets.length !== 32) throw new RangeError('a public key has 32 octets');
  return octets as PublicKey;
}

/** Brands a number as a link. Only the driver and tests make links. */
export function linkId(index: number): LinkId {
  return index as LinkId;
}

/** What is known of a carrier when it connects. */
export type LinkFacts = {
  /** As operators know it, without options: `tcp://192.0.2.1:9001`. */
  readonly uri: string;
  readonly isInbound: boolean;
  /** From the configuration or the operator: never evicted, and uses the reserve of the link cap. */
  readonly isConfigured: boolean;
  /** 0..64 octets. */
  readonly password: Uint8Array;
  /** 0..255, lower is preferred. */
  readonly priority: number;
  /** Milliseconds, instead of what is measured. */
  readonly cost: number | undefined;
  /** The peer's key must be one of these; empty means any. */
  readonly pinnedKeys: readonly PublicKey[];
  /**
   * The key that the carrier itself has proven to be at the other end: such a link is bound. Undefined: the carrier
   * proves nothing, and the greeting alone could be a recorded one (link document, part C).
   */
  readonly boundKey: PublicKey | undefined;
  /** Links of discovery are exempt from `AllowedPublicKeys` (section 2.3). */
  readonly isExemptFromAllowList: boolean;
};

/** U: datagrams over IP. S: serial cables and the like, 30 kbit/s and more. R: radio (link document, section 2). */
export type CarrierClass = 'U' | 'S' | 'R';

/** What is known of a datagram carrier when it opens. Its links come and go inside the core. */
export type SocketFacts = {
  /** As operators know it, without options. */
  readonly uri: string;
  readonly carrierClass: CarrierClass;
  /** The largest frame it can receive; class U: also the largest that a search for the path's MTU may try. */
  readonly mtu: number;
  /** 32 octets: who knows it may come in. Undefined: nobody but the peers dialled from here. */
  readonly psk: Uint8Array | undefined;
  readonly priority: number;
  /** Milliseconds, instead of what is measured; of links that come in. */
  readonly cost: number | undefined;
  readonly isExemptFromAllowList: boolean;
  /** `slow=halow`. */
  readonly isSlow: boolean;
  /** Of radios: what a frame costs, and how much may be sent. Undefined: frames cost nothing but their time. */
  readonly air?: AirFacts | undefined;
};

/** A wish for a link to one peer at one address. */
export type DialFacts = {
  readonly uri: string;
  readonly key: PublicKey;
  readonly psk: Uint8Array;
  readonly priority: number;
  readonly cost: number | undefined;
  readonly isConfigured: boolean;
  readonly isExemptFromAllowList: boolean;
  /** Handshakes begun before `dialFailed`; 0: as long as the class allows. */
  readonly attempts: number;
};

/** Octets of an address in a batch: IPv6 or mapped IPv4 (16), interface index (4), port (2), zero (2); without: all zero. */
export const DATAGRAM_ADDRESS = 24;

/** Datagram i is `buffers[i].subarray(offsets[i], offsets[i] + lengths[i])`; its address is row i of `addresses`. */
export type DatagramBatch = {
  readonly buffers: Uint8Array[];
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
  readonly addresses: Uint8Array;
  count: number;
};

export type Input =
  /** The carrier is connected: the greeting goes out. */
  | { kind: 'linkOpened'; link: LinkId; facts: LinkFacts }
  /** Octets of a stream. The core may overwrite them and needs them until the next `drain` returns. */
  | { kind: 'linkBytes'; link: LinkId; bytes: Uint8Array }
  /** A `write` that returned false has been taken over by the system. */
  | { kind: 'linkWritable'; link: LinkId }
  | { kind: 'linkClosed'; link: LinkId; reason: string }
  | { kind: 'socketOpened'; socket: SocketId; facts: SocketFacts }
  /** Datagrams as they came. The core may overwrite them and needs them until the next `drain` returns. */
  | { kind: 'datagrams'; socket: SocketId; batch: DatagramBatch }
  /** A `send` that took less than all may be tried again. */
  | { kind: 'socketWritable'; socket: SocketId }
  /** Others may come in from now on, or nobody but the peers dialled from here; its links live on. */
  | { kind: 'socketPsk'; socket: SocketId; psk: Uint8Array | undefined }
  /** It is about to be closed, and still carries what the next `drain` sends: the other ends of its links are told. */
  | { kind: 'socketClosing'; socket: SocketId; reason: string }
  | { kind: 'socketClosed'; socket: SocketId; reason: string }
  /** What a modem tells of itself and of the air, at any time. */
  | { kind: 'airReport'; socket: SocketId; report: AirReport }
  | { kind: 'dial'; dial: DialId; socket: SocketId; address: Uint8Array; facts: DialFacts }
  /** The wish is void; its link, if it has one, ends as 'removed'. */
  | { kind: 'dialCancelled'; dial: DialId }
  /** After sleep, or when the addresses of this machine changed: every link is asked at once whether it lives. */
  | { kind: 'probeLinks' }
  /** IPv6 packets from the TUN, valid until the next `drain` returns. */
  | { kind: 'packets'; batch: PacketBatch }
  /** `deadline()` has passed. */
  | { kind: 'timer' }
  /** Unix time, for the formats that carry it. Given before anything else, then whenever convenient. */
  | { kind: 'wallClock'; unixMs: number }
  /** Send one ICMPv6 echo request made by the node itself; `echoReply` events answer it. */
  | { kind: 'echo'; target: Uint8Array; sequence: number; size: number }
  /** Other values for what of `NodeOptions` may change: links that came in from keys no longer allowed end, but for configured peers. */
  | { kind: 'reconfigured'; allowedKeys: readonly PublicKey[]; nodeInfo: Uint8Array }
  /** Ask a node; `queryAnswered` or `queryFailed` follows within 6 s, over a radio 45. */
  | { kind: 'query'; key: PublicKey; topic: QueryTopic }
  /** Ask a node for its next hop; `hopAnswered` or `hopFailed` follows within 6 s, over a radio 45. */
  | { kind: 'askHop'; request: HopRequest }
  /** Look up where a node is, unless that is known. */
  | { kind: 'locate'; key: PublicKey };

/** What nodes ask each other: about themselves, and for debugging their key, peers and part of the tree (section 6.1). */
export type QueryTopic = 'nodeInfo' | 'self' | 'peers' | 'tree';

/**
 * Packets in one buffer. Packet i lies at `offsets[i]`, `lengths[i]` octets long, with at least `PACKET_HEADROOM`
 * writable octets before it, where the last ten are its virtio header if the node has a cutter.
 */
export type PacketBatch = {
  arena: Uint8Array;
  offsets: Int32Array;
  lengths: Int32Array;
  count: number;
};

/** Octets free for the core before each packet of a batch. */
export const PACKET_HEADROOM = 64;

/**
 * Packets for the TUN: packet i is `buffers[i].subarray(offsets[i], offsets[i] + lengths[i])`, and begins with a virtio header
 * where `unfinished[i]` is 1.
 */
export type DeliveryBatch = {
  readonly unfinished: Uint8Array;
  readonly buffers: Uint8Array[];
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
  count: number;
};

export interface Sink {
  /**
   * Octets for a stream. True: they are copied or sent, the buffer is the core's again. False: the shell holds the
   * buffer until it says `linkWritable`, and no further `write` for this link comes before.
   */
  write(link: LinkId, bytes: Uint8Array): boolean;
  /** Close the carrier. The core has forgotten the link; no `linkClosed` is expected for it. */
  close(link: LinkId, reason: CloseReason, detail: string): void;
  /** False: the system holds enough of what this socket sends, and says `socketWritable` when it does not. Missing: always. */
  hasRoom?(socket: SocketId): boolean;
  /** How many of the datagrams the system has taken, in order; the core keeps the others until `socketWritable`. */
  send(socket: SocketId, batch: DatagramBatch): number;
  /** Packets for the TUN, valid during the call. */
  deliver(batch: DeliveryBatch): void;
  event(event: CoreEvent): void;
}

/** Why the core ends a link. Stable names: counters, admin answers and tests use them. */
export type CloseReason =
  | 'greeting malformed'
  | 'greeting too large'
  | 'greeting timeout'
  | 'version mismatch'
  | 'signature invalid'
  | 'own key'
  | 'key not bound'
  | 'link not bound'
  | 'key not pinned'
  | 'key not allowed'
  | 'too many links'
  | 'frame malformed'
  | 'frame too large'
  | 'frame type unknown'
  | 'frame timeout'
  | 'announce invalid'
  | 'signature response invalid'
  | 'filter malformed'
  | 'peer unproven'
  | 'peer silent'
  | 'peer restarted'
  | 'closed by peer'
  | 'peer too slow'
  | 'announce flood'
  | 'removed'
  | 'address gone'
  | 'shutdown';

/** Facts the shells log, show or act on. Never one per packet. */
export type CoreEvent =
  | { kind: 'linkUp'; link: LinkId; key: PublicKey }
  /** A datagram link, confirmed by both sides; `dial` if we asked for it. Told again when a dial wants one that stands already. */
  | { kind: 'datagramLinkUp'; link: LinkId; key: PublicKey; uri: string; dial: DialId | undefined }
  /** Its end. It is dialled again after `retryAfterMs` by its owner; infinity: never. */
  | {
      kind: 'datagramLinkDown';
      link: LinkId;
      dial: DialId | undefined;
      reason: CloseReason;
      detail: string;
      retryAfterMs: number;
    }
  /** 'own key': it leads to the node itself, and is not to be repeated. */
  | { kind: 'dialFailed'; dial: DialId; reason: string; code?: 'own key' }
  | { kind: 'peerUp'; key: PublicKey; port: number }
  | { kind: 'peerDown'; key: PublicKey; port: number }
  | { kind: 'rootChanged'; root: PublicKey; isSelf: boolean }
  | { kind: 'parentChanged'; parent: PublicKey }
  | PathEvent
  | { kind: 'sessionOpened'; key: PublicKey }
  | { kind: 'sessionClosed'; key: PublicKey }
  /** This key has spoken an end-to-end session: to be remembered for the next start. At most once a day and key. */
  | { kind: 'e2eKnown'; key: PublicKey; unixMs: number }
  /** It has said that it no longer does. */
  | { kind: 'e2eForgotten'; key: PublicKey }
  /** It speaks end-to-end sessions, none comes about, and the other kind works: somebody may be in between. */
  | { kind: 'e2eDowngradeSuspected'; key: PublicKey }
  /** What a radio has sent: to be remembered for the next start, at once. */
  | { kind: 'airUsed'; record: AirRecord }
  /** An answer to `echo`: the round trip in milliseconds. */
  | { kind: 'echoReply'; from: Uint8Array; sequence: number; rttMs: number }
  /** Somebody on the way takes no packets as large as that one, only such of `mtu` octets. */
  | { kind: 'echoTooBig'; sequence: number; mtu: number }
  /** What a node says; nobody has looked at the body. */
  | { kind: 'queryAnswered'; key: PublicKey; topic: QueryTopic; body: Uint8Array }
  | HopEvent
  | { kind: 'queryFailed'; key: PublicKey; topic: QueryTopic; reason: 'no answer' | 'too many' };

/** Public-key operations and hashes. Pure: the same arguments give the same answer. */
export interface Crypto {
  /** BLAKE2b-512 of `data`, keyed with 0..64 octets. */
  blake2b512(key: Uint8Array, data: Uint8Array): Uint8Array;
  sha256(data: Uint8Array): Uint8Array;
  ed25519Verify(key: Uint8Array, signature: Uint8Array, data: Uint8Array): boolean;
  /** A signer for the Ed25519 key pair of a 32-octet seed. */
  ed25519Signer(seed: Uint8Array): Signer;
  /** A fresh X25519 pair from 32 random octets. */
  x25519Pair(random: Uint8Array): KeyPair;
  /** The X25519 form of an Ed25519 public key, or undefined if it is no point of the curve. */
  x25519FromEd25519(key: Uint8Array): Uint8Array | undefined;
  /** NaCl `beforenm`: HSalsa20(X25519(privateKey, publicKey), 0). Undefined for an all-zero X25519 result. */
  boxShared(publicKey: Uint8Array, privateKey: Uint8Array): Uint8Array | undefined;
  readonly box: BoxBatch;
  /** X25519. Undefined for an all-zero result. */
  x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
  /** The Ed25519 key whose X25519 form this is, with the sign bit 0 or 1. Undefined as link document, section 1. */
  ed25519FromX25519(key: Uint8Array, sign: number): Uint8Array | undefined;
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
  readonly macs: MacSigner;
  readonly aead: AeadBatch;
}

export interface Signer {
  readonly publicKey: Uint8Array;
  /** The X25519 private key that belongs to the same identity (section 5.1). */
  readonly x25519Private: Uint8Array;
  sign(data: Uint8Array): Uint8Array;
}

/** 32 octets each. */
export type KeyPair = { readonly publicKey: Uint8Array; readonly privateKey: Uint8Array };

/**
 * XSalsa20-Poly1305 over a batch (section 5.1: tag, then the encrypted octets; nonce = 16 zero octets, u64 counter).
 * Each implementation has a twin; both pass the same vectors.
 */
export interface BoxBatch {
  readonly name: string;
  /**
   * For each job writes tag and ciphertext (`length + 16` octets) to the target. Source and target may be the same
   * buffer only if the ranges do not overlap, or if target = source - 16.
   */
  seal(jobs: BoxJobs): void;
  /**
   * For each job opens `length` octets (tag and ciphertext, at least 16) and writes `length - 16` octets of plaintext
   * to the target; sets `ok[i]` to 1, or to 0 and leaves the target undefined. Target = source + 16 opens in place.
   */
  open(jobs: BoxJobs): void;
}

/** Columns of a batch; row i is one job. `sources` and `targets` may name the same buffers. */
export type BoxJobs = {
  readonly sources: Uint8Array[];
  readonly sourceOffsets: Int32Array;
  readonly lengths: Int32Array;
  readonly targets: Uint8Array[];
  readonly targetOffsets: Int32Array;
  /** 32 octets a job: shared key as `boxShared` gives it. */
  readonly keys: Uint8Array;
  /** Two numbers a job: high and low half of the 64-bit nonce counter. */
  readonly nonces: Uint32Array;
  readonly ok: Uint8Array;
  count: number;
};

/**
 * ChaCha20-Poly1305 over a batch: ciphertext, then the tag of 16 octets; nonce = 4 zero octets, u64 counter little-endian.
 * The `adLengths[i]` octets before the ciphertext (target of `seal`, source of `open`) are the associated data.
 */
export interface AeadBatch {
  readonly name: string;
  /** Writes `length + 16` octets to the target. Target and source may be the same octets, or not overlap. */
  seal(jobs: AeadJobs): void;
  /** Opens `length` octets and writes `length - 16` to the target; sets `ok[i]` to 1, or to 0 and leaves the target undefined. */
  open(jobs: AeadJobs): void;
}

/** HMAC-SHA256 over a batch of short texts. */
export interface MacSigner {
  readonly name: string;
  /** Many at once cost far less than one by one. */
  readonly isBatched: boolean;
  sign(jobs: MacJobs): void;
}

/** Row i is `texts[i * stride ..]` with `lengths[i]` octets. `keys` and `macs` hold 32 octets a row. */
export type MacJobs = {
  readonly texts: Uint8Array;
  readonly stride: number;
  readonly lengths: Int32Array;
  readonly keys: Uint8Array;
  readonly macs: Uint8Array;
  count: number;
};

/** `keys` holds 32 octets a job. */
export type AeadJobs = BoxJobs & { readonly adLengths: Int32Array };

/** Finishes what the kernel left to do (`wire/README.md`, super-packets). Each implementation has a twin. */
export interface Cutter {
  readonly name: string;
  /** As `completeChecksum` of `wire/segments.ts`. */
  complete(buffer: Uint8Array, at: number, end: number): boolean;
  /** As `cutSegments` of `wire/segments.ts`. */
  cut(buffer: Uint8Array, at: number, end: number, first: number, headroom: number, into: Segments): number;
}

/** Sessions of our own with nodes that speak them (link document, section 19): where possible, always, never. */
export type E2eMode = 'prefer' | 'require' | 'off';

/** What a node is made of; fixed for its life, but for what `reconfigured` changes. */
export type NodeOptions = {
  readonly seed: Uint8Array;
  readonly crypto: Crypto;
  /** Fills the array with random octets. */
  readonly random: (octets: Uint8Array) => void;
  /** `AllowedPublicKeys`: empty means everyone. */
  readonly allowedKeys: readonly PublicKey[];
  /** `RequireBound`: links whose carrier proves no key are refused. */
  readonly requiresBound: boolean;
  readonly groupPassword: Uint8Array;
  readonly e2e: E2eMode;
  /** What `e2eKnown` events have told in earlier lives, least recent first. */
  readonly e2eKnown: readonly { readonly key: PublicKey; readonly unixMs: number }[];
  /** What `airUsed` events have told in earlier lives. */
  readonly airMemories?: readonly AirMemory[];
  /** 1280..65535: packets larger than this are answered with Packet Too Big. */
  readonly mtu: number;
  /** Without a TUN the node answers echo requests itself. */
  readonly hasTun: boolean;
  /** The TUN gives and takes packets behind virtio headers. Undefined: whole packets only. */
  readonly cutter?: Cutter | undefined;
  /** False: compressed packets are neither offered nor taken, as by older nodes. */
  readonly compresses?: boolean;
  /** `LogLookups`: who looks for nodes is kept for an hour. */
  readonly logsLookups?: boolean;
  /** Told to whoever asks: a JSON object of at most 16 KiB. */
  readonly nodeInfo: Uint8Array;
  readonly limits: Limits;
};

/** Caps that the configuration may override (◇ in the security rules); all others are constants in `limits.ts`. */
export type Limits = {
  readonly links: number;
  readonly lookupsPerPeerPerSecond: number;
  readonly trafficQueueBytes: number;
  readonly sessions: number;
  /** 0: such questions are not answered. */
  readonly debugAnswersPerSecond: number;
  /** About next hops; 0, or no debug answers: none. */
  readonly traceAnswersPerSecond: number;
};
