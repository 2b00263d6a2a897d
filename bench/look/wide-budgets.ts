/**
 * Loaded into the daemon by NODE_OPTIONS: budgets so wide that thousands of sessions come about in a minute. As they are, the
 * answers to lookups alone (20 a second) would take more than four. Of what is measured afterwards nothing reaches them.
 */
import { E2E_FIRSTS, INITS, NOTIFIES, OWN_LOOKUPS } from '../../daemon/core/limits.ts';
import { loadIntoWorkers } from '../net/into-workers.ts';

const WIDE = { perSecond: 2_000, burst: 2_000 };

loadIntoWorkers(import.meta.filename);
for (const budget of [E2E_FIRSTS, INITS, NOTIFIES, OWN_LOOKUPS]) Object.assign(budget, WIDE);
