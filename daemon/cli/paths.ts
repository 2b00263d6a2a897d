import { table } from './text.ts';
import type { Verb } from './verb.ts';
import { viewVerb } from './view.ts';

export const verb: Verb = viewVerb({
  help: 'The paths in use: the ports from the root of the tree down to a node.',
  request: 'getPaths',
  show: ({ paths }) => {
    if (paths.length === 0) return ['No paths: none are looked up before there is traffic.'];
    const rows = paths.map(({ address, path }) => [address, path.length === 0 ? '(root)' : path.join(' ')]);
    return table(['ADDRESS', 'PATH'], rows);
  },
});
