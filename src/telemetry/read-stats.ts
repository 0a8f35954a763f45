import { Counter, type Counters } from './counters.js';
import { FIGURE_NAMES, type FigureName, figureOf } from './figures.js';
import type { CountedStats, LimitStats, ServerStats, UncountedStats } from './server-stats.js';

/** The counters of a thread, and how the thread is called: `primary`, `worker 1`. */
export interface ThreadCounters {
  readonly thread: string;
  readonly counters: Counters;
}

/** What one thread has counted. */
export interface ThreadFigures {
  readonly thread: string;
  readonly figures: Readonly<Record<FigureName, number>>;
}

/** The figures of each thread by themselves. Counters of threads with the same name are added up. */
export function readThreads(threads: readonly ThreadCounters[]): ThreadFigures[] {
  const names = [...new Set(threads.map(({ thread }) => thread))];
  return names.map((name) => {
    const own = threads.filter(({ thread }) => thread === name);
    const sum = (figure: FigureName) => own.reduce((total, { counters }) => total + counters.get(Counter[figure]), 0);
    const figures = Object.fromEntries(FIGURE_NAMES.map((figure) => [figure, sum(figure)]));
    return { thread: name, figures: figures as Readonly<Record<FigureName, number>> };
  });
}

/** The figures of all threads together, as `server.stats()` names them. */
export function readStats(threads: readonly ThreadCounters[], uncounted: UncountedStats): ServerStats {
  const each = readThreads(threads);
  const stats: Record<string, number> = {};
  const limits: Record<string, number> = {};
  for (const name of FIGURE_NAMES) {
    const { stat, limit } = figureOf(name);
    const total = each.reduce((sum, { figures }) => sum + figures[name], 0);
    if (stat !== undefined) stats[stat] = total;
    if (limit !== undefined) limits[limit] = total;
  }
  // A test compares the table with both interfaces, member by member.
  return { ...(stats as unknown as CountedStats), limits: limits as unknown as LimitStats, ...uncounted };
}
