import { MAX_TIMEOUT_MS } from './machine-limits.js';

/** After its deadline, a draining worker has so long, in ms, to end by itself. */
export const GRACE_MS = 250;

/** The longest time to drain, in ms. With the grace it is what a timer can hold: one that is asked for more fires at once. */
export const MAX_DRAIN_MS = MAX_TIMEOUT_MS - GRACE_MS;
