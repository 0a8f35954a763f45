import type { Contestant } from './contestants.js';
import type { Pinning } from './machine.js';
import type { Settings } from './settings.js';

/** What the sections of a run have in common. */
export interface Bench {
  readonly settings: Settings;
  readonly pinning: Pinning | undefined;
  readonly cores: number;
  /** All that take part, wsloom first. */
  readonly contestants: readonly Contestant[];
  /** Whether there is a load generator. */
  readonly hasLoadgen: boolean;
  /** Whether the case of this name is to be measured: see `--only`. */
  wants(name: string): boolean;
  /** Shows the progress of the run. */
  progress(line: string): void;
  /** Something could not be measured: the run goes on, and ends with exit code 1. */
  fail(what: string, error: unknown): void;
}
