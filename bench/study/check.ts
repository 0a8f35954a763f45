import { type CaseKey, nameOf } from './case.js';
import type { EngineResult } from './results.js';

/** A figure that two programs have measured. */
export interface Check {
  /** The case: see {@link nameOf}. */
  readonly name: string;
  /** Nanoseconds per call, by ./cross-check. */
  readonly own: number;
  /** Nanoseconds per call in the study; undefined if it has none. */
  readonly ns?: number;
}

/** @param own what ./cross-check has printed on the same engine */
export function checksOf(own: Readonly<Record<string, number>>, engine: EngineResult): Check[] {
  const figures = new Map(engine.figures.map((figure) => [nameOf(figure satisfies CaseKey), figure.ns]));
  return Object.entries(own).map(([name, ns]) => {
    const known = figures.get(name);
    return { name, own: Number(ns.toPrecision(4)), ...(known === undefined ? {} : { ns: known }) };
  });
}
