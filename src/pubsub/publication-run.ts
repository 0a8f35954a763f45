import type { Dialect } from './dialect.js';
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
  /** Whether another process of the fleet has published it. It does not go out again. */
  readonly isFromFleet: boolean;
  /** Whether it may be compressed. Other processes, which may compress what this one does not, have to know it. */
  readonly mayCompress: boolean;
  /** By dialect: the same publications, compressed. Of a long one they come later. Undefined where these plain frames serve, which every subscriber understands. */
  deflated: DeflatedRuns | undefined;
  /** Whether this is one of {@link deflated}. */
  readonly isDeflated: boolean;
}

/** One run may serve several dialects. */
export type DeflatedRuns = readonly (PublicationRun | undefined)[];

/** The runs as they go to the subscribers of a dialect: as many, in the same order. */
export function inDialect(runs: readonly PublicationRun[], dialect: Dialect): readonly PublicationRun[] {
  if (!runs.some(({ deflated }) => deflated?.[dialect] !== undefined)) return runs;
  return runs.map((run) => run.deflated?.[dialect] ?? run);
}

/** The compressed runs of a run, each once. */
export function deflatedOf(deflated: DeflatedRuns): readonly PublicationRun[] {
  return deflated.filter((run, i): run is PublicationRun => run !== undefined && deflated.indexOf(run) === i);
}

/** The run with its plain frames only. */
export function withoutDeflated(run: PublicationRun): PublicationRun {
  return run.deflated === undefined ? run : { ...run, deflated: undefined };
}

/**
 * Appends the compressed runs of the next publication to those of the run before, if each of them follows its predecessor in memory.
 * @returns whether that was so; if not, nothing was done.
 */
export function extendDeflated(last: DeflatedRuns | undefined, next: DeflatedRuns | undefined): boolean {
  if (last === undefined || next === undefined) return false;
  for (const [dialect, run] of next.entries()) {
    const before = last[dialect];
    if (before?.chunk !== run?.chunk || before?.end !== run?.start) return false;
  }
  for (const [dialect, run] of next.entries()) {
    const before = last[dialect];
    // Several dialects may have the same run, which is extended by the first of them.
    if (before === undefined || run === undefined || before.end !== run.start) continue;
    before.end = run.end;
    before.messages += run.messages;
  }
  return true;
}
