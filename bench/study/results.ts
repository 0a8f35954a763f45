import type { Thresholds } from '#dist/kernels/thresholds.js';
import type { Content } from '#dist/study/texts.js';
import type { Machine } from '../machine.js';
import type { Operation } from './candidates.js';
import type { CompressionFigure } from './compression.js';
import type { Cache } from './design.js';

/** The time that one candidate takes for one range. */
export interface Figure {
  readonly op: Operation;
  readonly candidate: string;
  readonly content: Content | 'any';
  readonly bytes: number;
  readonly alignment: number;
  readonly cache: Cache;
  /** Nanoseconds per call: the median over batches, and the quartiles. */
  readonly ns: number;
  readonly q1: number;
  readonly q3: number;
  /** How many batches were measured. */
  readonly batches: number;
}

/** All results of one engine. */
export interface EngineResult {
  /** The version, as in `process.version`. */
  readonly node: string;
  readonly v8: string;
  /** The thresholds of the kernel `auto`, found as `wsloom kernels` finds them. */
  readonly thresholds: Thresholds;
  readonly figures: readonly Figure[];
  /** Cases that spread too much in every attempt, with the figures of the last attempt. */
  readonly unreported: readonly Figure[];
  /** Studies before November 2026 have not measured it. */
  readonly compression?: readonly CompressionFigure[];
}

/** The figures of a server with one kernel. */
export interface EndToEndResult {
  readonly kernel: string;
  readonly connections: number;
  readonly bytes: number;
  readonly inFlight: number;
  readonly content: 'ascii' | 'utf8' | 'binary';
  readonly perSecond: number;
  /** CPU time of the server per message, in µs. */
  readonly microsPerMessage: number;
  /** Whether the client was the limit: then CPU time is compared. */
  readonly isClientBound: boolean;
  /** Whether something else used a part of the cores. */
  readonly isDisturbed: boolean;
}

/** The figures of a server that shares all cores with its load. */
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

/** All results of a study, as they are written to bench/results/study.json. */
export interface Study {
  /** When the study began, ISO 8601. */
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly isQuick: boolean;
  readonly spreadBound: number;
  readonly attempts: number;
  /** The size of the last level of the cache, in bytes, if the system says it. */
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

/** As JSON, with a line for each figure. There are thousands, so the lines have no names of fields. */
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
