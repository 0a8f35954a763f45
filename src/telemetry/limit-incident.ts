import { Counter } from './counters.js';
import { FIGURE_NAMES, type FIGURES, type FigureName, figureOf } from './figures.js';

/** The figures that count what limits do. */
type LimitName = {
  [Name in FigureName]: (typeof FIGURES)[Name] extends { readonly line: string } ? Name : never;
}[FigureName];

/** What a limit has done to a connection: how it is counted and reported. */
export interface LimitIncident {
  readonly counter: Counter;
  /** For the log: what the connections that have met the limit have done. */
  readonly what: string;
}

/** Every limit by the name of its figure: `LimitIncident.STALLS`. */
export const LimitIncident = Object.fromEntries(
  FIGURE_NAMES.flatMap((name) => {
    const { line } = figureOf(name);
    return line === undefined ? [] : [[name, { counter: Counter[name], what: line }] as const];
  }),
) as Readonly<Record<LimitName, LimitIncident>>;
