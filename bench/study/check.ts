import { type CaseKey, nameOf } from './case.js';
import type { EngineResult } from './results.js';

/** A figure that two programs have measured. */
export interface Check {
  /** The engine that both ran on, as it is called in tables. Studies before December 2026 do not say it: it was that of the servers. */
  readonly engine?: string;
  /** The case: see {@link nameOf}. */
  readonly name: string;
  /** Nanoseconds per call, by the better one of the two callers of ./cross-check. This is what is compared. */
  readonly own: number;
  /** By the other caller: how much the code around a call matters. */
  readonly slower: number;
  /** Nanoseconds per call in the study; undefined if it has none. */
  readonly ns?: number;
}

/** What ./cross-check prints: for each case, nanoseconds per call by each of its callers. */
export type Measured = Readonly<Record<string, readonly number[]>>;

/** @param measured what ./cross-check has printed on the same engine */
export function checksOf(measured: Measured, engine: EngineResult): Check[] {
  const figures = new Map(engine.figures.map((figure) => [nameOf(figure satisfies CaseKey), figure.ns]));
  return Object.entries(measured).map(([name, callers]) => {
    const [own, slower] = [Math.min(...callers), Math.max(...callers)].map((ns) => Number(ns.toPrecision(4))) as [
      number,
      number,
    ];
    const known = figures.get(name);
    return { engine: engine.name, name, own, slower, ...(known === undefined ? {} : { ns: known }) };
  });
}
