/** The requests about the way to one node. They make this node send. */
import { publicKey } from '../core/port.ts';
import { addressText } from './address.ts';
import { acting, type Call, type CallContext, ours } from './admin-call.ts';
import { type AdminArguments, wholeOf } from './admin-request.ts';
import type { InboundAnswer, WhyAnswer } from './path-answers.ts';
import { TRACE_FIELDS, trace } from './trace-call.ts';
import { foreignJson, whyJson } from './why-json.ts';

/** `why` waits for an answer of the target so long, unless something else is said. */
const PROBE_MS = 3_000;
const PROBE_MAX_MS = 10_000;
/** The kernel remembers 64 for all. */
const REFUSED_MAX = 16;

export function pathCalls(context: CallContext): Call[] {
  const about = 'Show what happens to packets to a node, and why';
  return [
    acting(ours('why', about, (args) => why(context, args), 'target', 'probe')),
    acting(
      ours('trace', 'Show the nodes that packets to a node pass', (args) => trace(context, args), ...TRACE_FIELDS),
    ),
  ];
}

/** `probe`: for so many ms an echo request may be unanswered; 0: none is sent. */
async function why(context: CallContext, args: AdminArguments): Promise<WhyAnswer> {
  const target = args.get('target') ?? '';
  const probeMs = wholeOf(args, 'probe', { byDefault: PROBE_MS, most: PROBE_MAX_MS });
  const { address, key, isInMesh } = context.findNode(target);
  if (!isInMesh) return foreignJson(target, addressText(address));
  const octets = { address, key: key === undefined ? undefined : publicKey(key) };
  const result = await context.ask('why', { target: octets, probeMs });
  return whyJson(target, result, inboundOf(context, address), context.addressOf);
}

function inboundOf({ openFor, refusedTo }: CallContext, address: Uint8Array): InboundAnswer {
  const rules = openFor(address);
  if (rules === undefined) return { state: 'open', rules: [], refused: [] };
  const refused = [...refusedTo(address)].slice(0, REFUSED_MAX);
  return { state: rules.length === 0 ? 'refused' : 'some ports', rules: [...rules], refused };
}
