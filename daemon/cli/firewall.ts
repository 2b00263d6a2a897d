import type { FirewallAnswer } from '../host/answers.ts';
import { parseRule, RULE_FORM } from '../host/firewall-rules.ts';
import { adminClient, SOCKET_HELP, socketOption } from './client.ts';
import { beside, COLUMNS, plural, table, wrap } from './text.ts';
import { usageError, type Verb } from './verb.ts';
import { showText } from './view.ts';

export const verb: Verb = {
  usage: 'show | allow RULE | deny RULE  [--json] [--socket PATH]',
  help: `Who may connect to this machine from the mesh. Connections that come in through
the mesh interface are dropped, but for answers, ICMPv6 errors, ping, and what a
rule allows. Changes hold at once and after a restart; open connections live on.

  RULE is PORT[-PORT][/udp] [from TARGET]; TARGET is an address, a subnet, a
  public key or a name of Names. For example:
    ratatosk firewall allow 22
    ratatosk firewall allow 60000-61000/udp from laptop
    ratatosk firewall deny 22         takes back all that opens port 22

  A rule opens its port on the machines of the subnet behind this one as well.
  To open all, write Firewall: { Inbound: "allow" } into the configuration.

  --json          the state afterwards as JSON
  --watch         with show: again every second, until Ctrl-C
${SOCKET_HELP}`,
  options: { ...socketOption, json: { type: 'boolean' }, watch: { type: 'boolean' } },
  words: [1, 4],
  actions: ['show', 'allow', 'deny'],
  run: async (options, [action = '', ...words]) => {
    const ask = adminClient(options);
    const isJson = options.json === true;
    if (action !== 'show' && options.watch === true) throw usageError('--watch is for show');
    return showText(options, async () => {
      const status = await (action === 'show' ? show() : change());
      return isJson
        ? JSON.stringify(status, undefined, options.watch === true ? 0 : 2)
        : firewallLines(status).join('\n');
    });

    function show(): Promise<FirewallAnswer> {
      if (words.length > 0) throw usageError(`unexpected argument '${words[0]}'`);
      return ask('getFirewall');
    }

    function change(): Promise<FirewallAnswer> {
      const rule = words.join(' ');
      if (parseRule(rule) === undefined) throw usageError(`found '${rule}', expected ${RULE_FORM}`);
      return ask(action === 'allow' ? 'allow' : 'deny', { rule });
    }
  },
};

/** At most 80 columns each. */
export function firewallLines(status: FirewallAnswer): string[] {
  const { rules, refused } = status;
  const rows = rules.map(({ rule, prefix, by, open, problem }) => {
    return [open ? 'open' : 'closed', rule, by, problem === undefined ? (prefix ?? 'everywhere') : ''];
  });
  const [header = '', ...lines] = table(['STATE', 'RULE', 'SET BY', 'FROM'], rows);
  const told = lines.flatMap((line, i) => [line, ...reasonLines(rules[i]?.problem)]);
  const counted = refused === undefined ? [] : ['', `${plural(refused, 'packet', 'packets')} refused so far.`];
  return [...wrap(headText(status), COLUMNS), ...(rows.length === 0 ? [] : ['', header, ...told]), ...counted];
}

function reasonLines(problem: string | undefined): string[] {
  return problem === undefined ? [] : beside('        ', problem);
}

function headText(status: FirewallAnswer): string {
  if (status.inbound === 'allow') return 'Open (Firewall.Inbound is "allow"): rules have no effect.';
  if (status.interface === undefined) return 'Nothing to close: this node has no network interface.';
  if (!status.closed) return `NOT CLOSED: the mesh reaches every service here: ${status.problem}`;
  const exceptions = status.rules.some(({ open }) => open) ? ' but for the rules that say open' : '';
  const line = `Inbound connections over ${status.interface} are closed${exceptions}.`;
  return status.problem === undefined ? line : `${line} The last change is not in force: ${status.problem}`;
}
