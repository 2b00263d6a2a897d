/** What `peers` needs to know of `peers suggest`, which is loaded when it is used. */

export const TIMEOUT_BY_DEFAULT_S = 5;

export const suggestOptions = {
  from: { type: 'string', multiple: true },
  neighbours: { type: 'boolean' },
  add: { type: 'string' },
  timeout: { type: 'string' },
  config: { type: 'string' },
} as const;

export const SUGGEST_HELP = `
peers suggest --from FILE [--neighbours] [--add N] [--timeout S] [--config FILE]
connects to the peers of a list for a moment and ranks them by round trip; not
by throughput, since a peer sends strangers nothing but its greeting. It is told
nothing by itself: lists of public peers are published by the networks that use
them; save one, in whatever form (text, Markdown, HTML, JSON), and give it.

  --from FILE     a list with peer URIs in it, - for standard input; more than
                  one is fine
  --neighbours    and what linked peers tell about themselves (getNodeInfo)
  --add N         writes the best N into Peers, each node once, and connects
  --timeout S     for each attempt, 1 to 30 (default: ${TIMEOUT_BY_DEFAULT_S})
  --config FILE   the configuration (default: the running daemon's)`;
