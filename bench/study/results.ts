import type { Thresholds } from '#dist/kernels/thresholds.js';
import type { Content } from '#dist/study/texts.js';
import type { Machine } from '../machine.js';
import type { Operation } from './candidates.js';
import type { Cache } from './design.js';

/** What one candidate needs for one range. */
export interface Figure {
  readonly op: Operation;
  readonly candidate: string;
  readonly content: Content | 'any';
  readonly bytes: number;
  readonly alignment: number;
  readonly cache: Cache;
  /** Per call: the median over batches, and the quartiles. */
  readonly ns: number;
  readonly q1: number;
  readonly q3: number;
  /** How many batches that is from. */
  readonly batches: number;
}

/** All that one engine came to. */
export interface EngineResult {
  /** As `process.version`. */
  readonly node: string;
  readonly v8: string;
  /** Of the kernel `auto`, as `wsloom kernels` finds them. */
  readonly thresholds: Thresholds;
  readonly figures: readonly Figure[];
  /** Cases that spread too much in every attempt, as in the last of them. */
  readonly unreported: readonly Figure[];
}

/** What a server carried with one kernel. */
export interface EndToEndResult {
  readonly kernel: string;
  readonly connections: number;
  readonly bytes: number;
  readonly inFlight: number;
  readonly content: 'ascii' | 'utf8' | 'binary';
  readonly perSecond: number;
  /** CPU time of the server. */
  readonly microsPerMessage: number;
  /** The client was the limit: CPU time is to be compared. */
  readonly isClientBound: boolean;
  /** Something else had part of the cores. */
  readonly isDisturbed: boolean;
}

/** Server and load share all cores here. */
export interface ThreadsResult {
  readonly kernel: string;
  readonly threads: number;
  readonly bytes: number;
  readonly content: 'ascii' | 'utf8' | 'binary';
  readonly perSecond: number;
  readonly cpu: number;
}

/** Resident memory of a server's process, in bytes. */
export interface MemoryResult {
  readonly kernel: string;
  readonly threads: number;
  readonly arenaBytes: number;
  readonly atStart: number;
  /** After small messages on many connections. */
  readonly afterSmall: number;
  /** After large ones. */
  readonly afterLarge: number;
}

/** All of a study, as it is written to bench/results/study.json. */
export interface Study {
  /** When it began, ISO 8601. */
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly isQuick: boolean;
  readonly spreadBound: number;
  readonly attempts: number;
  /** What the last level of the cache holds, in bytes, as far as the system says. */
  readonly cacheBytes: number;
  /** In ascending order of versions. */
  readonly engines: readonly EngineResult[];
  readonly endToEnd: readonly EndToEndResult[];
  readonly threads: readonly ThreadsResult[];
  readonly memory: readonly MemoryResult[];
  /** What could not be measured, and why. */
  readonly failures: readonly string[];
}

const COLUMNS = ['op', 'candidate', 'content', 'bytes', 'alignment', 'cache', 'ns', 'q1', 'q3', 'batches'] as const;

/** As JSON, with a line for each figure: thousands of them, which nobody needs the names of fields in. */
export function serialize(study: Study): string {
  const placed: string[] = [];
  const rows = (figures: readonly Figure[]) => {
    const lines = figures.map((figure) => JSON.stringify(COLUMNS.map((column) => figure[column])));
    return `@${placed.push(lines.length === 0 ? '[]' : `[\n        ${lines.join(',\n        ')}\n      ]`) - 1}@`;
  };
  const engines = study.engines.map((engine) => ({
    ...engine,
    figures: rows(engine.figures),
    unreported: rows(engine.unreported),
  }));
  const text = JSON.stringify({ ...study, columns: COLUMNS, engines }, null, 2);
  return `${text.replace(/"@(\d+)@"/g, (_, i) => placed[Number(i)] as string)}\n`;
}

/** Reads what {@link serialize} has written. */
export function deserialize(text: string): Study {
  const { columns, engines, ...study } = JSON.parse(text);
  const figures = (rows: readonly (readonly unknown[])[]) =>
    rows.map((row) => Object.fromEntries(row.map((value, i) => [columns[i], value])) as unknown as Figure);
  return {
    ...study,
    engines: engines.map((engine: Record<keyof EngineResult, never>) => ({
      ...engine,
      figures: figures(engine.figures),
      unreported: figures(engine.unreported),
    })),
  };
}
