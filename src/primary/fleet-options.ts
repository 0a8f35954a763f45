import type { BackplaneState } from '../connection/handler.js';
import type { Backplane } from '../fleet/backplane.js';

/** The options of a server that exchanges publications with others. */
export interface FleetOptions {
  /** The engines, or their URLs. The hash of a topic says which of them carries it. */
  readonly engines: readonly (string | Backplane)[];
  readonly onBackplane: ((state: BackplaneState) => unknown) | undefined;
  readonly maxBackplaneBytes: number;
  readonly backplaneStallMs: number;
  readonly backplaneTimeoutMs: number;
  readonly maxPayloadBytes: number;
}
