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
  traceAnswersPerSecond: 10,
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
/**
 * Handed to the system in one write; beyond it packets wait in the fair queue, where others can still pass them by. As long
 * as the system takes less than it is given it is given less, down to the lower bound or a single frame.
 */
export const STAGING_BYTES = 256 * 1024;
export const STAGING_BYTES_MIN = 16 * 1024;
/**
 * Of a fair queue, RFC 8290: flows that are told apart, a power of two; octets of a turn; what a packet costs in memory
 * however small it is, and how many may wait whatever the cap in octets.
 */
export const QUEUE_FLOWS = 1_024;
export const QUEUE_QUANTUM_BYTES = 16 * 1024;
export const QUEUE_PACKET_BYTES = 256;
export const QUEUE_PACKETS_MIN = 64;
/** Flows that begin with so small a packet go before others that begin: voice, echo, names, acknowledgements, in whatever headers. */
export const QUEUE_SPARSE_BYTES = 1_024;
/**
 * Packets from the TUN: what waits for links, as a multiple of one link's queue, since few of them fill it when segments are
 * large; for links that hold so many octets; what is sealed before they are asked again; and how long one link that takes
 * nothing may stop what is for others.
 */
export const INGRESS_QUEUES = 4;
export const INGRESS_LINK_BYTES = 16 * 1024;
export const INGRESS_TURN_BYTES = 64 * 1024;
export const INGRESS_HOLD_MS = 5;
/** Of sparse flows, what is sealed beside that, however full links are, until these have room again. */
export const INGRESS_SPARSE_BYTES = 16 * 1024;
/** Payloads of up to so many octets are not bulk: voice, echo, names, acknowledgements. */
export const SMALL_PAYLOAD = 512;
/** RFC 8289, on stream links. */
export const STREAM_CODEL = { targetMs: 5, intervalMs: 100 };

// Datagram links. What differs between the classes of carriers is in link/datagram/classes.ts; sections of the link document.

/** Of one packet, messages apart: some cost much more to handle than to send. An honest packet has a dozen. */
export const FRAMES_PER_PACKET = 64;
/** Unanswered before silence counts as death, however long it lasted. */
export const PINGS_BEFORE_DEATH = 3;
/** Section 9: a frame of the control stream, and how it is sent again. */
export const CTRL_FRAME_MAX = 4_096;
export const CTRL_RETRIES = 10;
export const CTRL_RESENDS_PER_RTO = 10;
/** Pieces of the control stream under way, and gaps in what is received: every CACK is compared with each of them. */
export const CTRL_SEGMENTS_MAX = 256;
export const CTRL_RANGES_MAX = 128;
/**
 * Section 10: FNACKs for one message, and how often a fragment is sent again. A message of 64 KiB is 50 fragments: at 5 % loss two rounds leave two messages in a hundred incomplete.
 */
export const FNACKS_MAX = 4;
export const FNACKS_PER_PACKET = 16;
export const REPAIRS_PER_FRAGMENT = 4;
/** Of what was sent in the last second. */
export const REPAIR_SHARE = 0.25;
/** Incomplete messages of all links; the link that holds most gives way. */
export const REASSEMBLY_BYTES = 16 * 1024 * 1024;
/** Sent fragments that all links keep for repair. */
export const REPAIR_BYTES = 32 * 1024 * 1024;
/** Messages of one link that late fragments cannot begin anew. */
export const REASSEMBLED_REMEMBERED = 512;
/** Messages on one link between two drains that need no queue: octets, which a pooled buffer holds, and count. */
export const OUTBOX_BYTES = 147_456;
export const OUTBOX_ROWS = 512;
/** Lookups, notifies and broken paths that wait for one link. */
export const URGENT_BYTES = 64 * 1024;
/** Answers of one kind that wait to be sent, and unanswered PINGs that are remembered; an honest peer asks less. */
export const ANSWERS_WAITING = 8;
/** Section 12. */
export const MTU_BASE = 1_200;
export const MTU_PROBE = { tries: 3, everyMs: 1_000 };
export const MTU_SEARCH_AGAIN_MS = 600_000;
export const MTU_SEARCH_AFTER_BLACK_HOLE_MS = 60_000;
/** While packets above the base size are sent, one of the current size is checked so often; that many lost tell. */
export const MTU_CHECK_MS = 5_000;
export const MTU_LOSSES = 3;
/** Section 13. */
export const MOVE_TRIES = 3;
export const MOVE_RETRY_MS = 1_000;
export const MOVE_REFUSED_MS = 10_000;
/** What may go to an address that has not answered yet, as a multiple of what came from there. */
export const MOVE_SENT_SHARE = 3;
/** A PING goes along with other frames when the last one was so long ago. */
export const RTT_REFRESH_MS = 20_000;
/** Section 11: the cost of a young link is doubled. */
export const LINK_YOUNG_MS = 2_000;
/** Paths deeper than this are dropped. */
export const HOPS_MAX = 255;

// Radio (radio reference, section 6.8)

/** Of one window of a limit: an hour in minutes. The oldest counts whole, so a sixtieth of the budget is never used. */
export const AIR_BUCKETS = 60;
/**
 * Free at once, as a share of a budget: ten minutes' worth of an hour, or so many of the largest frames and what is left to
 * others. Budgets of shorter windows are not spread.
 */
export const AIR_BURST_SHARE = 1 / 6;
export const AIR_BURST_FRAMES = 2;
export const AIR_SPREAD_FROM_MS = 600_000;
/** Of a budget, may be sent before what was sent is recorded anew; a crash costs so much. */
export const AIR_RESERVE_SHARE = 1 / 32;
/** The operator's share of the channel is kept in any so many ms, but for the length of one frame. */
export const AIR_SHARE_WINDOW_MS = 15_000;
/**
 * What classes leave to those before them: of every budget, so that a twenty-fourth is never used by bulk, and of the window of
 * the share; and how much of what is kept back for the rest of the hour they may use. Routing that has had more than its part
 * of an hour leaves more to the users. The rest of what was begun asks for no share: it is paid for afterwards.
 */
export const AIR_TERMS = {
  answer: { floor: 0, overdraft: 1, shareFloorMs: Number.NEGATIVE_INFINITY },
  control: { floor: 1 / 144, overdraft: 1 / 2, shareFloorMs: 0 },
  controlOver: { floor: 1 / 12, overdraft: 0, shareFloorMs: 0 },
  begun: { floor: 1 / 72, overdraft: 1 / 2, shareFloorMs: Number.NEGATIVE_INFINITY },
  interactive: { floor: 1 / 72, overdraft: 1 / 2, shareFloorMs: 0 },
  normal: { floor: 1 / 36, overdraft: 0, shareFloorMs: 2_000 },
  bulk: { floor: 1 / 24, overdraft: 0, shareFloorMs: 4_000 },
};
export const AIR_CONTROL_SHARE = 0.2;
/** What would wait longer for its time on the air is refused; longer still where the largest frame takes more than this. */
export const AIR_WAIT = { ms: 20_000, frameMs: 1_250 };
/** Packets of this machine that are answered with an ICMPv6 error because of it. */
export const UNREACHABLE = { perSecond: 10, burst: 10 };

// Routing

/** Section 0.1. */
export const MAINTENANCE_MS = 1_000;
export const ANNOUNCE_REFRESH_MS = 4 * 60_000;
export const ANNOUNCE_LIFE_MS = 5 * 60_000;
export const FILTER_RESEND_ROUNDS = 3_600;
/**
 * What happens between two rounds is acted on at once: looks at the tree and the filters, new places of our own, filters
 * sent to one peer. What goes beyond waits for the next look or round, so that churn costs little more than rounds do.
 */
export const LOOKS = { perSecond: 10, burst: 10 };
export const LOOK_AGAIN_MS = 100;
export const MOVES = { perSecond: 1, burst: 4 };
export const FILTERS_SENT = { perSecond: 1, burst: 3 };
/** For so long a new peer with a lower key counts as a root, until it says what it is: twice what a peer of rounds takes. */
export const PRESUMED_ROOT_MS = 2_000;

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

// Thin gossip over radio (section 7 of the radio reference)

/** Control octets on their way to one peer before more are made: so much is superseded at worst. */
export const SLOW_BACKLOG_BYTES = 1_024;
/** Frames of thin gossip from one peer: each may make us say an announcement again. */
export const THIN_FRAMES = { perSecond: 0.5, burst: 64 };
/** A demand that is given up is held for so long: who flaps at our other end costs air. */
export const STANCE_HOLD_MS = 60_000;
/** For so long the tree with the higher root keeps silent about itself: it is about to join the other. */
export const FOLLOW_HOLD_MS = 30_000;
/** A peer that could be our parent, but is no better than ours, is asked for its signature so often. */
export const CANDIDATE_ASK_MS = 15 * 60_000;
/** Who has lost its parent waits for the answers of others, in round trips, before it becomes a root. */
export const SLOW_ANSWER = { roundTrips: 4, leastMs: 5_000, mostMs: 60_000 };
/** An announcement that nobody vouches for any more is asked for again when it has so long to live. */
export const RECALL_MS = 60_000;
/** New bits of filters, for one peer: the first ones at once. Cleared ones wait in any case. */
export const SLOW_FILTERS = { perSecond: 1 / 30, burst: 3 };
export const SLOW_FILTER_CLEAR_MS = 60_000;
/** A filter may be a kilobyte: the first one waits until a link is so old, in ms and in costs of it, and first packets have gone. */
export const SLOW_FILTER_HOLD = { leastMs: 8_000, costs: 20 };

/** Lookups before one radio: items, claimed sources and answers that are remembered. */
export const GATE_ENTRIES = 256;
/** Of one claimed source. */
export const GATE_PER_SOURCE = { perSecond: 0.1, burst: 6 };
/** Of all: one in so many round trips, and so many at once. */
export const GATE_ROUND_TRIPS = 3;
export const GATE_BURST = 16;
/** For one item: the first wait, more where round trips are long, doubled up to the cap. */
export const GATE_BACKOFF = { least: 4_000, cap: 60_000 };
/** Who is further away than our own neighbour may have moved without our knowledge. */
export const GATE_ANSWER_LIFE_MS = 60_000;
/** Of paths that begin with a radio; and how long such a path is silent, once used again, before it is looked up. */
export const SLOW_PATH_LIFE_MS = 60 * 60_000;
export const SLOW_PATH_DOUBT_MS = 20_000;

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
/** Least time between two Inits that say the same: doubled each time, since the answer may be slow. */
export const INIT_RESEND_MS = { first: 500, cap: 2_000 };
/** The same over a radio of ours, which loses nothing and takes its time. */
export const INIT_RESEND_SLOW_MS = { first: 4_000, cap: 32_000 };
/**
 * For so long after a handshake in a session no other follows, and Inits are not answered: as long as the first answer
 * took, within these bounds, and doubled by each. `forget`: after so long it is as if there had been none.
 */
export const HANDSHAKE_HOLD_MS = { first: 500, firstMax: 16_000, cap: 64_000, forget: 60_000 };
/** How far a handshake's seq may run ahead of the clock so that two in one second differ. */
export const SEQ_AHEAD = 2n;
export const HANDSHAKE_MEMORY = 16_384;
export const HANDSHAKE_MEMORY_LIFE_MS = 10 * 60_000;
/** Nonces a packet may come late by. */
export const REPLAY_WINDOW = 1_024;
/** Pairs of keys remembered beyond the four in force, with what they have opened; an honest peer needs two. */
export const SPARE_OPENERS_MAX = 8;
/** Records of datagram links and of end-to-end sessions: counters one may come late by (link document, section 5). */
export const RECORD_WINDOW = 8_192;
/** Jobs of one sealing or opening batch. */
export const JOBS_MAX = 256;

// End-to-end sessions (link document, section 18)

/** First messages; half is kept for keys that we know. */
export const E2E_FIRSTS = { perSecond: 200, burst: 200 };
export const E2E_FIRSTS_PER_KEY = { perSecond: 2, burst: 4 };
/** Second messages tried for one peer: whoever reads our first can forge them. */
export const E2E_SECONDS_PER_PEER = { perSecond: 10, burst: 10 };
/** Claimed sources of first messages, timestamps by key, first messages known as seen, keys known to speak e2e. */
export const E2E_MEMORY = 4_096;
/** Keys that no record has confirmed, over all peers; and for one. */
export const E2E_UNCONFIRMED = 1_024;
export const E2E_UNCONFIRMED_PER_PEER = 2;
/** Longer than a first message's answer and what follows it take on the slowest radio. */
export const E2E_CONFIRM_WAIT_MS = 30_000;
/** Handshakes begun here and not answered yet. */
export const E2E_PENDING = 1_024;
export const E2E_ATTEMPTS_PER_PEER = 2;
export const E2E_SENDS_PER_ATTEMPT = 3;
export const E2E_RETRY_MS = { first: 1_000, cap: 5_000, spread: 333 };
export const E2E_ANSWER_AGAIN_MS = 500;
export const E2E_GIVE_UP_MS = 90_000;
/** After giving up: doubled up to the cap. */
export const E2E_BACK_OFF_MS = { first: 60_000, cap: 3_600_000 };
/** Who should have begun a session by then may not have read our hello. */
export const E2E_HELLO_AGAIN_MS = 5_000;
/** No answer for so long: interference is suspected, and the other session serves. */
export const E2E_SUSPECT_MS = 3_000;
/** It has been heard for so long by the other session only: told. Longer than the longest wait between handshakes. */
export const E2E_ALARM_MS = 10_000;
/** No sign of life for so long after sending, in ms and in round trips: asked for; new keys. Slow paths have long queues. */
export const E2E_ASK_AFTER = { ms: 2_000, roundTrips: 4, slowMs: 15_000 };
export const E2E_DEAD_AFTER = { ms: 3_500, roundTrips: 10, slowMs: 60_000 };
/** On slow paths both are so many times longer at most, doubled by each answer that says nothing else: traffic one way needs few. */
export const E2E_PATIENCE_MAX = 32;
/** Loss makes a handshake seem slower than the road is. */
export const E2E_ROUND_TRIP_MAX_MS = 5_000;
/** A timestamp that is not higher is taken after such a silence, and not again for a while. */
export const E2E_SILENCE_MS = 15_000;
export const E2E_LOWER_TIMESTAMP_MS = 5_000;
export const E2E_IDLE_MS = 180_000;
export const E2E_REKEY_MS = 120_000;
/** The responder renews keys by itself when the initiator has not: 15 % later. */
export const E2E_REKEY_RESPONDER_MS = 138_000;
export const E2E_REJECT_MS = 180_000;
export const E2E_PREVIOUS_HOLD_MS = 10_000;
export const E2E_KNOWN_LIFE_MS = 30 * 86_400_000;
/** How often the outside is told that a key still speaks e2e. */
export const E2E_TELL_MS = 86_400_000;
/** Records under one key: then new keys, then none. */
export const REKEY_AFTER_RECORDS = 2 ** 32;
export const REJECT_AFTER_RECORDS = 2 ** 33;

/** Over a radio of our own; and between questions whether the other side is there, in ms and in round trips. */
export const E2E_RADIO = { retryMs: { first: 8_000, cap: 60_000, spread: 4_000 }, suspectMs: 30_000 };
/** Who is not known to speak e2e is tried for so long, in ms and in costs of the radio; in vain: not again for a while. */
export const E2E_TRIAL = { leastMs: 3_000, costs: 8, pauseMs: 3_600_000 };
export const E2E_ASK_EVERY = { ms: 1_000, roundTrips: 2 };
/** On slow paths a handshake costs what minutes of talk do: all times of keys are so much longer, an hour as on radio links. */
export const SLOW_PATH_LIFE = 30;
/** A handshake, and the first answer under its keys, that took so long have crossed a slow path: packets are compressed. */
export const SLOW_PATH_MS = 300;
/** Contexts kept for all peers: they make them. More are not acknowledged, so that packets come in plain form. */
export const CONTEXTS_KEPT = 65_536;
/** How often a context is acknowledged that nobody names yet: packets that say so may be lost. */
export const CONTEXT_TELLINGS = 3;
/** How long an acknowledgement is waited for before another context is made, doubled with each: it, or the context, is lost. */
export const CONTEXT_PATIENCE = { ms: 2_000, roundTrips: 3 };

// Addresses and packets

export const CONTACTS_MAX = 16_384;
export const CONTACT_LIFE_MS = 120_000;
export const KEPT_PACKETS = 1_024;
export const KEPT_BYTES = 2 * 1024 * 1024;
export const KEPT_LIFE_MS = 120_000;
/** Packets for the TUN between two drains. */
export const DELIVERIES_MAX = 4_096;
/** Packets cut from super-packets that wait to be sealed: more are cut when these are. */
export const SEGMENT_ARENA_BYTES = 256 * 1024;
export const SEGMENT_ROWS = 512;
export const TOO_BIG = { perSecond: 10, burst: 10 };
/** Largest IPv6 packet: the largest frame less all overhead, capped by IPv6 itself (section 6.4). */
export const MTU_MAX = 65_535;
export const MTU_MIN = 1_280;
/** Session payloads larger than this cannot fit a frame with two empty paths (section 4.8). */
export const PAYLOAD_MAX = FRAME_MAX - 77;

// Datagram links (link document, sections 4 and 5)

/** Passwords that a socket tries a packet against: its listener's and those of the peers dialled from it. */
export const PSKS_PER_SOCKET = 8;
/** Secrets and cookies; the secret before the last is accepted as well. */
export const COOKIE_LIFE_MS = 120_000;
/**
 * Handshake packets of one kind that are looked at, INITs and RESPs with and without a cookie apart: what floods, at 12 µs
 * each for a cookie, leaves most of a core to the links. The second where MACs are made one by one.
 */
export const HANDSHAKES_LOOKED_AT = { perSecond: 30_000, burst: 1_024 };
export const HANDSHAKES_LOOKED_AT_SLOWLY = { perSecond: 2_000, burst: 1_024 };
/** Handshake packets that wait for their turn; the newest is dropped. */
export const HANDSHAKES_QUEUED = 512;
/** Handshake packets looked at between two inputs, so that established links are served in a flood. */
export const HANDSHAKES_PER_TURN = 32;
/** More of them, or of accepted ones, or a timer as late as this, and cookies are asked for. */
export const LOAD_QUEUED = 64;
export const LOAD_ACCEPTED_PER_SECOND = 100;
export const LOAD_LAG_MS = 50;
export const LOAD_HOLD_MS = 1_000;
export const HANDSHAKES_ALL = { perSecond: 200, burst: 200 };
/** Addresses with a budget of their own. */
export const HANDSHAKE_BUCKETS = 8_192;
/** INITs known by their mac1: a copy of one is a retransmission or a replay. */
export const INITS_REMEMBERED = 4_096;
export const IDENTITIES_REMEMBERED = 4_096;
/** Handshakes of our own that run at once; others wait. */
export const HANDSHAKES_OUT = 256;
/** Keys that were answered for and not used yet. */
export const UNCONFIRMED_KEYS = 256;
export const UNCONFIRMED_PER_LINK = 2;
export const UNCONFIRMED_PER_IDENTITY = 6;
/** Links of one IPv4 address or /64. */
export const LINKS_PER_ADDRESS = 16;
/** Sendings of one INIT. */
export const INIT_SENDINGS = 3;
/** Attempts of one handshake whose answer is still welcome. */
export const ATTEMPTS_PENDING = 2;
/** Answers to handshakes that wait for a socket which takes nothing. */
export const ANSWERS_QUEUED = 512;
/** Packets and octets sealed and sent at once; fewer, down to the lower bound, while the system takes less than all. */
export const RECORDS_PER_BATCH = 256;
export const RECORDS_PER_BATCH_MIN = 4;
export const RECORD_ARENA_BYTES = 256 * 1024;
/** Records of one link before the next link has its turn. */
export const RECORDS_PER_TURN = 64;
/** Datagram links count from here, so that their numbers never meet those of streams. */
export const DATAGRAM_LINKS_FROM = 2 ** 20;

/** Sources of lookups that `LogLookups` keeps, and for how long. */
export const LOOKUP_LOG = { entries: 1_024, lifeMs: 60 * 60_000 };
/** Events about paths: each crosses to another thread and into a file. */
export const PATH_NEWS = { perSecond: 20, burst: 100 };

// Explanations

/**
 * When something counts as what bounds a flow. A lookup, a handshake, or packets without an answer for so long; a queue that is so
 * full, or has lost something within so many ms; a loop that is busy for such a share; the packet for which air time is asked.
 */
export const WHY = {
  lookupMs: 3_000,
  handshakeMs: 3_000,
  silentMs: 10_000,
  queueShare: 0.5,
  lossMs: 5_000,
  busy: 0.9,
  packetBytes: 128,
};

// Questions between nodes (section 6.1)

export const NODE_INFO_MAX = 16 * 1024;
/** Twice what an honest node sends: nobody's JSON is parsed beyond it. */
export const ANSWER_JSON_MAX = 32 * 1024;
export const QUERIES_RUNNING = 64;
export const QUERY_LIFE_MS = 6_000;
/** The first request may be lost with an old session. */
export const QUERY_RESEND_MS = 1_500;
/**
 * In round trips, where those are long: how long a question may stay unanswered, a lookup and a session before it included, up
 * to `lifeMostMs`; and how long until it is sent again.
 */
export const QUERY_PATIENCE = { lifeTrips: 8, lifeMostMs: 45_000, resendTrips: 2 };
/** Questions about next hops: open at once; sent so often, so far apart; and between looks whether there is a session for one. */
export const HOPS_RUNNING = 16;
export const HOP_SENDINGS = 4;
export const HOP_RESEND_MS = 1_000;
export const HOP_WAIT_MS = 50;
/** An answer may be ten thousand times as large as its question. */
export const ANSWERS = { perSecond: 20, burst: 20 };
export const ANSWERS_PER_KEY = { perSecond: 2, burst: 4 };
