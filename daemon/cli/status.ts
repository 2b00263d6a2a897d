import { summaryLines } from './summary.ts';
import { COLUMNS, durationText, wrap } from './text.ts';
import type { Verb } from './verb.ts';
import { viewVerb } from './view.ts';

export const verb: Verb = viewVerb({
  help: 'What works and what does not, each with a remedy.',
  request: 'getStatus',
  show: (status) => {
    const head = `ratatosk ${status.version}, up for ${durationText(status.uptime)}, configuration ${status.config}`;
    return [...wrap(head, COLUMNS), ...summaryLines(status)];
  },
});
