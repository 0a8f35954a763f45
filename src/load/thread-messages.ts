import type { LoadProgress } from './load-options.js';
import type { EncodedTally } from './tally.js';

/** What a thread of the load generator is told: to put its load on, or to end early. */
export type ToThread = 'run' | 'abort';

/** What it says. */
export type FromThread =
  | { readonly type: 'open' }
  | { readonly type: 'progress'; readonly progress: LoadProgress }
  | { readonly type: 'done'; readonly tally: EncodedTally };

/** How often it says how far it is, in ms. */
export const PROGRESS_MS = 500;
