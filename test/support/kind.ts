/** The two daemons that a place in a mesh can be given to. */
export type DaemonKind = 'yggdrasil' | 'ratatosk';

/** STAND_IN=yggdrasil puts the real daemon in every place: what then fails is the test's own fault. */
const HAS_STAND_IN = process.env.STAND_IN === 'yggdrasil';

export function cast(kind: DaemonKind): DaemonKind {
  return HAS_STAND_IN ? 'yggdrasil' : kind;
}
