import type { PublicationRun } from './publication-run.js';

/** Carries the publications of this thread to the others: see {@link Bus}. */
export interface Outlet {
  /** Whether another thread is to be told of a publication to this topic. */
  wants(topic: string): boolean;
  post(runs: readonly PublicationRun[]): void;
  /** This thread has its first subscriber of a topic. */
  join(topic: string): void;
  /** This thread has no subscriber of a topic any more. */
  leave(topic: string): void;
  /** Whether there are threads for which publishers are to wait. */
  readonly isCongested: boolean;
  /** Whether one of them has subscribers of this topic. */
  owes(topic: string): boolean;
}
