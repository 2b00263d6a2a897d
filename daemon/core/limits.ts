/** Every cap, rate and life of the core, with its unit and its reason. Sections are those of the Yggdrasil reference. */
import { FRAME_MAX } from '../wire/frame.ts';
import type { Limits } from './port.ts';

/** The caps that the configuration may override. */
export const DEFAULT_LIMITS: Limits = {
  links: 512,
  lookupsPerPeerPerSecond: 200,
  trafficQueueBytes: 1024 * 1024,
  sessions: 16_384,
  debugAnswersPerSecond: 2,
};

// Links

/** Links kept for configured peers when strangers fill the table. */
export const LINKS_RESERVED = 64;
/** Discovery from both sides, an inbound and an outbound link make four; more is a stranger's doing. */
export const LINKS_PER_KEY = 4;
/** Section 2.3: the whole exchange of greetings. */
export const GREETING_TIMEOUT_MS = 6_000;
/** An honest peer signs within one round trip; a replayed greeting never does. */
export const PROOF_TIMEOUT_MS = 6_000;
/** Section 4.9: an answer of any kind is expected within this time. */
export const SILENCE_TIMEOUT_MS = 3_000;
/** An answer comes within a second and a round trip, that to a probe within the latter; later another link is better. */
export const SILENCE_DOUBT_MS = { usual: 1_500, probed: 500 };
/** Section 4.9: what the other side expects of us. */
export const KEEPALIVE_DELAY_MS = 1_000;
/** A frame that was started must end; stops slow senders from holding a buffer for ever. */
export const FRAME_TIMEOUT_MS = 15_000;
/** Control frames behind a link that takes nothing. */
export const CONTROL_BACKLOG_BYTES = 256 * 1024;
/** Handed to the system in one write; beyond it packets wait in the fair queue, where they can still be dropped. */
export const STAGING_BYTES = 256 * 1024;
/** Paths deeper than this are dropped. */
export const HOPS_MAX = 255;

// Routing

/** Section 0.1. */
export const MAINTENANCE_MS = 1_000;
export const ANNOUNCE_REFRESH_MS = 4 * 60_000;
export const ANNOUNCE_LIFE_MS = 5 * 60_000;
export const FILTER_RESEND_ROUNDS = 3_600;

export const TREE_INFOS_PER_PEER = 64;
export const TREE_INFOS_MIN = 2_048;
export const TREE_INFOS_MAX = 32_768;
/** Nobody needs announcements that are on no peer's ancestry; a few are kept because ancestors arrive one by one. */
export const TREE_INFOS_OFF_ANCESTRY = 1_024;

/** Two signature checks each. */
export const ANNOUNCES_PER_PEER = { perSecond: 50, burst: 600 };
export const ANNOUNCES_ALL = { perSecond: 300, burst: 2_000 };
/** What waits for the buckets above: two seconds' worth, then the peer is closed. */
export const ANNOUNCES_DEFERRED = 100;
/** About a quarter of one core. */
export const VERIFIES = { perSecond: 4_000, burst: 4_000 };
/** Kept for announcements when notifies use up the verifications. */
export const VERIFIES_RESERVED = 1_000;
/** SigReqs answered to one peer; the newest of an excess is answered when the bucket allows it. */
export const SIG_REQS_PER_PEER = { perSecond: 5, burst: 8 };
/** One filter per second and peer is merged; the newest waits. */
export const FILTERS_PER_PEER = { perSecond: 1, burst: 4 };

export const PATHS_MAX = 16_384;
export const PATH_LIFE_MS = 60_000;
/** Sent over and not heard from for so long, a path is looked up again; then once in so long. */
export const PATH_DOUBT_MS = { first: 10_000, next: 1_000 };
export const RUMOURS_MAX = 4_096;
export const RUMOUR_BYTES = 8 * 1024 * 1024;
export const RUMOUR_LIFE_MS = 60_000;
/** For so long after somebody asked, a lookup is repeated by itself. */
export const RUMOUR_WANTED_MS = 10_000;
export const OWN_LOOKUPS = { perSecond: 50, burst: 100 };
/** Unanswered lookups for one target double their distance up to this: traffic must flow within 10 s of a return. */
export const LOOKUP_BACKOFF_MS = { first: 1_000, cap: 8_000 };
export const LOOKUP_BURST = 400;
export const LOOKUPS_PER_SOURCE = { perSecond: 5, burst: 20 };
/** Claimed source keys remembered for the bucket above. */
export const LOOKUP_SOURCES = 4_096;
export const NOTIFIES = { perSecond: 20, burst: 20 };
export const NOTIFIES_PER_SOURCE = { perSecond: 1, burst: 4 };
/** Highest notify seq per key, remembered after the path itself has expired. */
export const NOTIFY_SEQS = 16_384;
export const NOTIFY_SEQ_LIFE_MS = 10 * 60_000;

// Sessions

/** Section 5.6. */
export const SESSION_LIFE_MS = 60_000;
export const SESSION_BUFFER_LIFE_MS = 60_000;
export const SESSION_BUFFERS_MAX = 1_024;
export const SESSIONS_HALF_OPEN = 1_024;
/** An idle session may make room for a new one after this. */
export const SESSION_IDLE_MS = 10_000;
/** Section 5.5: least time between ratchets caused by received packets. */
export const RATCHET_MS = 60_000;
/** Each costs an X25519, a box and, if those work, a signature check. */
export const INITS = { perSecond: 100, burst: 100 };
export const INITS_PER_KEY = { perSecond: 2, burst: 4 };
/** Inits sent because something could not be read: sources are forgeable. */
export const RESCUE_INITS = { perSecond: 10, burst: 10 };
export const RESCUE_INIT_PER_KEY_MS = 5_000;
/** Least time between two sendings of a buffered Init. */
export const INIT_RESEND_MS = 500;
/** How far a handshake's seq may run ahead of the clock so that two in one second differ. */
export const SEQ_AHEAD = 2n;
export const HANDSHAKE_MEMORY = 16_384;
export const HANDSHAKE_MEMORY_LIFE_MS = 10 * 60_000;
/** Nonces a packet may come late by. */
export const REPLAY_WINDOW = 1_024;
/** Jobs of one sealing or opening batch. */
export const JOBS_MAX = 256;

// Addresses and packets

export const CONTACTS_MAX = 16_384;
export const CONTACT_LIFE_MS = 120_000;
export const KEPT_PACKETS = 1_024;
export const KEPT_BYTES = 2 * 1024 * 1024;
export const KEPT_LIFE_MS = 120_000;
/** Packets for the TUN between two drains. */
export const DELIVERIES_MAX = 4_096;
export const TOO_BIG = { perSecond: 10, burst: 10 };
/** Largest IPv6 packet: the largest frame less all overhead, capped by IPv6 itself (section 6.4). */
export const MTU_MAX = 65_535;
export const MTU_MIN = 1_280;
/** Session payloads larger than this cannot fit a frame with two empty paths (section 4.8). */
export const PAYLOAD_MAX = FRAME_MAX - 77;

// Questions between nodes (section 6.1)

export const NODE_INFO_MAX = 16 * 1024;
/** Twice what an honest node sends: nobody's JSON is parsed beyond it. */
export const ANSWER_JSON_MAX = 32 * 1024;
export const QUERIES_RUNNING = 64;
export const QUERY_LIFE_MS = 6_000;
/** The first request may be lost with an old session. */
export const QUERY_RESEND_MS = 2_000;
/** An answer may be ten thousand times as large as its question. */
export const ANSWERS = { perSecond: 20, burst: 20 };
export const ANSWERS_PER_KEY = { perSecond: 2, burst: 4 };
