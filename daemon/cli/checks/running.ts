/** The daemon itself: there, of this version, and what it has complained about. */
import { durationText, plural } from '../text.ts';
import { version } from '../version.ts';
import { type Check, type DaemonSays, type Finding, failed, ok, type Problem, skipped, warning } from './finding.ts';

const PROBLEMS_SHOWN = 5;

export const running: Check = {
  name: 'daemon',
  look: ({ daemon, daemonProblem }) => [daemonFinding(daemon?.status, daemonProblem, version())],
};

export function daemonFinding(
  status: Pick<DaemonSays['status'], 'version' | 'uptime'> | undefined,
  problem: Problem | undefined,
  ownVersion: string,
): Finding {
  if (status === undefined) {
    const { code, message } = problem ?? { code: '', message: 'it was not asked' };
    // The message of a daemon that is not there ends with its own remedy.
    const [text = '', remedy] = splitLast(message, ': ');
    const isHarmless = code === 'NO_RIGHTS' || /^no daemon answers/.test(message);
    return (isHarmless ? warning : failed)(text, remedy);
  }
  const { version: theirs, uptime } = status;
  if (theirs === ownVersion) return ok(`version ${theirs}, up for ${durationText(uptime)}`);
  return warning(`the daemon is version ${theirs}, this command ${ownVersion}`, 'restart the daemon');
}

/** What it has said of itself in this life: the latest of each kind of trouble, and how often. */
export const complaints: Check = {
  name: 'warnings',
  look: ({ daemon, loaded, path }) => {
    if (daemon === undefined) return [skipped('no daemon, no warnings')];
    return complaintFindings(daemon.problems, loaded !== undefined && path === daemon.status.config);
  },
};

/** Of a configuration that was read here its own check tells what is doubtful in it. */
export function complaintFindings(all: DaemonSays['problems'], isFileRead: boolean): Finding[] {
  const problems = all.filter(({ kind, level }) => !isFileRead || kind !== 'configuration' || level !== 'warn');
  if (problems.length === 0) return [ok('none since the daemon was started')];
  const counts = new Map<string, number>();
  // The latest last, so that it is the last to be inserted.
  for (const { text, fields } of problems) {
    const what = fields.reason === undefined ? text : `${text}: ${fields.reason}`;
    const count = (counts.get(what) ?? 0) + 1;
    counts.delete(what);
    counts.set(what, count);
  }
  const latest = [...counts].reverse().slice(0, PROBLEMS_SHOWN);
  const rest = counts.size - latest.length;
  const findings = latest.map(([text, count]) => warning(count === 1 ? text : `${text} (${count} times)`));
  if (rest > 0) findings.push(warning(`and ${plural(rest, 'other', 'others')}`, 'ratatosk events --problems'));
  return findings;
}

function splitLast(text: string, separator: string): [string, string | undefined] {
  const at = text.lastIndexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
