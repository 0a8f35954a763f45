import type { Dialect } from './dialect.js';
import type { PublicationRun } from './publication-run.js';

/** Carries the publications of this thread to the others: see {@link Bus}. */
export interface Outlet {
  /** Whether a publication to this topic has to be posted to another thread. */
  wants(topic: string): boolean;
  /** The compressed dialects that subscribers of this topic in other threads have: bit `1 << dialect` for each. */
  deflatedDialectsOf(topic: string): number;
  post(runs: readonly PublicationRun[]): void;
  /** This thread has its first subscriber of a topic in this dialect. */
  join(topic: string, dialect: Dialect): void;
  /** This thread has no subscriber of a topic in this dialect any more. */
  leave(topic: string, dialect: Dialect): void;
  /** Whether publishers to some topics should wait. */
  readonly isCongested: boolean;
  /** Whether those to this topic should: it is asked only while {@link isCongested}. */
  owes(topic: string): boolean;
}
