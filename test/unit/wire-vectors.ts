/** The members of the Yggdrasil vectors that the wire tests use, typed, and hexadecimal to octets and back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A path, or a 64-bit number: text where it may exceed 2^53. */
type Whole = number | string;

export type RoutingItem = {
  note: string;
  type_octet: number;
  fields: {
    type?: string;
    key?: string;
    parent?: string;
    source?: string;
    dest?: string;
    seq?: Whole;
    nonce?: Whole;
    port?: Whole;
    watermark?: Whole;
    psig?: string;
    sig?: string;
    path?: Whole[];
    from?: Whole[];
    info_path?: Whole[];
    payload?: string;
    filter?: { bits: number[] };
  };
  body: string;
  frame: string;
  signer?: string;
  signed_octets?: string;
};

type Exchange = {
  sent: string;
  sent_plain: string;
  sent_key: string;
  reply: string;
  reply_key: string;
  reply_header: { remote_key_seq: number; local_key_seq: number; nonce: number };
  reply_inner_key: string;
  reply_plain: string;
};

type Vectors = {
  identities: Record<string, string>;
  uvarint: {
    items: { value: string; encoding: string }[];
    non_minimal_accepted: { encoding: string; value: string }[];
    rejected: string[];
  };
  handshake: { items: { name: string; seed: string; priority: number; message: string }[] };
  bloom: {
    filters: { name: string; bits: number[] | null; body: string }[];
    rejected_bodies: { why: string; body: string }[];
  };
  routing_messages: { items: RoutingItem[] };
  tree_distance: { items: { a: number[]; b: number[]; distance: number }[] };
  session_captured: {
    initiator_seed: string;
    initiator_key: string;
    responder_key: string;
    initiator_current_public: string;
    initiator_next_public: string;
    init_ephemeral_private: string;
    init_seq: number;
    init: string;
    ack: string;
    ack_fields: { current: string; next: string; key_seq: number; seq: number };
    exchanges: Exchange[];
  };
  session_computed: {
    A_seed: string;
    A_key: string;
    B_seed: string;
    B_key: string;
    T: number;
    box_keys: { label: string; private: string; public: string }[];
    steps: {
      from: 'A' | 'B';
      to: 'A' | 'B';
      name: string;
      octets: string;
      ephemeral?: string;
      box?: string;
      inner_key?: string;
      plain?: string;
    }[];
  };
  application: {
    ipv6_echo_request: { payload: string };
    packet_too_big: { payload_without_type_octet: string };
    nodeinfo_request: string;
    nodeinfo_response: string;
    debug_getself_request: string;
    debug_getself_response: string;
    debug_getpeers_request: string;
    debug_getpeers_response: string;
    debug_gettree_request: string;
    debug_gettree_response: string;
  };
  multicast_beacon: { public_key: string; port: number; hash: string; datagram: string };
};

const file = join(import.meta.dirname, '..', '..', '..', 'test', 'vectors', 'yggdrasil-0.5.json');

export const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

export function octets(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

export function hex(value: Uint8Array): string {
  return Buffer.from(value).toString('hex');
}

/** A member that the vector is known to have. */
export function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the vector lacks this member');
  return value;
}
