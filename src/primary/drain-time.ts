import { MAX_TIMEOUT_MS } from './machine-limits.js';

/** How long a draining worker may go on after its deadline before it is ended, in ms. */
export const GRACE_MS = 250;

/** The longest time to drain, in ms. With the grace it is the longest delay of a timer: a timer with a longer delay fires at once. */
export const MAX_DRAIN_MS = MAX_TIMEOUT_MS - GRACE_MS;
