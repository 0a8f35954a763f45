import type { SharedChunk } from './shared-chunk.js';
import type { Subscriber } from './subscriber.js';

/** Publications to one topic that follow each other, encoded in one place. */
export interface PublicationRun {
  readonly topic: string;
  readonly chunk: SharedChunk;
  readonly start: number;
  end: number;
  messages: number;
  /** The publisher, if it is not to get its own publications. */
  readonly except: Subscriber | undefined;
  /**
   * Whether a hook of a connection has published it. The connection is held back when a thread is owed too much, and so the
   * publication is dropped only beyond twice the bound.
   */
  readonly isHeldBack: boolean;
}
