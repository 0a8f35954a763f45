import type { LoadProgress } from './load-options.js';
import type { EncodedTally } from './tally.js';

/** A message to a thread of the load generator: put the load on, or end early. */
export type ToThread = 'run' | 'abort';

/** A message from a thread of the load generator. */
export type FromThread =
  | { readonly type: 'open' }
  | { readonly type: 'progress'; readonly progress: LoadProgress }
  | { readonly type: 'done'; readonly tally: EncodedTally };

/** How often a thread reports how far it is, in ms. */
export const PROGRESS_MS = 500;
