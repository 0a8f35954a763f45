import type { PublicationRun } from './publication-run.js';

/** Carries the publications of this thread to the others: see {@link Bus}. */
export interface Outlet {
  /** Whether a publication to this topic has to be posted to another thread. */
  wants(topic: string): boolean;
  post(runs: readonly PublicationRun[]): void;
  /** This thread has its first subscriber of a topic. */
  join(topic: string): void;
  /** This thread has no subscriber of a topic any more. */
  leave(topic: string): void;
  /** Whether there are threads that publishers should wait for. */
  readonly isCongested: boolean;
  /** Whether one of them has subscribers of this topic. */
  owes(topic: string): boolean;
}
