import { shown } from '../options/shown.js';
import { ConfigError } from './config-error.js';
import { MAX_TIMEOUT_MS } from './options.js';

/** After its deadline, a draining worker has so long, in ms, to end by itself. */
export const GRACE_MS = 250;

/** Both together are what a timer can hold: one that is asked for more fires at once. */
const MAX_DRAIN_MS = MAX_TIMEOUT_MS - GRACE_MS;

/** @throws ConfigError if connections cannot be given so long to be closed. */
export function checkDrain(drainMs: unknown): void {
  if (typeof drainMs === 'number' && drainMs >= 0 && drainMs <= MAX_DRAIN_MS) return;
  throw new ConfigError('drainMs', `drainMs must be a number of ms from 0 to ${MAX_DRAIN_MS}, got ${shown(drainMs)}`);
}
