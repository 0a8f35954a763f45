import type { Thresholds } from '#dist/kernels/thresholds.js';
import type { Machine } from '../machine.js';
import { type CaseKey, KEY_FIELDS } from './case.js';
import type { CompressionFigure } from './compression.js';
import type { Counters } from './counters.js';
import type { Check } from './check.js';
import { type Estimate, estimate } from './estimate.js';
import type { Fingerprints } from './fingerprints.js';
import type { LoopKey } from './framing-loop.js';
import type { Answer } from './questions.js';

/** The format of the results. 1 had no attempts: see {@link Study.format}. */
export const FORMAT = 2;

/** How figures come about. It is another number when that changes, so that a report does not say of old figures what is true of new ones. */
export const MEASURING = 2;

/** What a case costs, in nanoseconds per call. */
export interface Figure extends CaseKey, Omit<Estimate, 'value'> {
  /** The figure: the lower quartile of the attempts. */
  readonly ns: number;
  /** One for each round. Studies of format 1 have none. */
  readonly attempts: readonly number[];
}

/** The figure of a case. @param attempts nanoseconds per call */
export function figureOf(key: CaseKey, attempts: readonly number[]): Figure {
  const { value, ...others } = estimate(attempts);
  return { ...key, ns: value, ...others, attempts };
}

/** All results of one engine on one machine, of all rounds. {@link joinRounds} makes it. */
export interface EngineResult {
  /** As it is called in tables: `Node 24`. */
  readonly name: string;
  readonly version: string;
  /** The compiler and its version: `V8 13.6`. */
  readonly compiler: string;
  /** How many rounds there were: each case has one attempt in each. */
  readonly rounds: number;
  readonly figures: readonly Figure[];
  /** Nanoseconds of the sentinel: its median in each round. */
  readonly sentinel: readonly number[];
  /** The step of its clock, in ms: the coarsest of all rounds. Studies before November 2026 have not measured it. */
  readonly clockStepMs?: number;
  readonly answers: readonly AnswerFigure[];
  /** The thresholds of the kernel `auto`, found as `wsloom kernels` finds them: medians over the rounds. Only Node has them. */
  readonly thresholds?: Thresholds;
  /** Studies before November 2026 have not measured it. */
  readonly compression?: readonly CompressionFigure[];
}

/** An answer with its attempts. */
export interface AnswerFigure extends Omit<Answer, 'value'> {
  readonly attempts: readonly number[];
}

/** The figures of a server with one kernel. */
export interface EndToEndResult {
  readonly kernel: string;
  readonly threads: number;
  readonly connections: number;
  readonly bytes: number;
  readonly inFlight: number;
  readonly content: 'ascii' | 'utf8' | 'binary';
  /** One for each round. */
  readonly turns: readonly EndToEndTurn[];
}

export interface EndToEndTurn {
  /** Echoes per second. */
  readonly perSecond: number;
  /** CPU time of the server for a message, in µs. */
  readonly microsPerMessage: number;
  /** Whether the client was the limit: then CPU time is compared. */
  readonly isClientBound: boolean;
  /** Whether something else used a part of the cores. */
  readonly isDisturbed: boolean;
}

/** The framing loop with one kernel and one kind of messages: nanoseconds a message. */
export interface LoopResult extends LoopKey {
  /** One for each round. */
  readonly attempts: readonly number[];
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

/** All results of one machine, as they are written to bench/results/study.json. */
export interface Study {
  /**
   * {@link FORMAT}, or 1 for a study before that: its figures are medians of the first attempt that did not spread much, it says
   * nothing of its attempts and of the sources that it measured, and its servers with several threads were not bound to cores.
   */
  readonly format: number;
  /** When the study began, ISO 8601. */
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  /**
   * The version of Node that the tables are about, and that the servers ran on: the newest of those that were measured. Studies before
   * December 2026 do not say it: theirs was the one that ran the study, {@link Machine.node}.
   */
  readonly mainNode?: string;
  /**
   * {@link MEASURING}. Studies before December 2026 do not say it: they asked all questions in one process, took medians of what allocates,
   * and had views to look up for some candidates only.
   */
  readonly measuring?: number;
  readonly isQuick: boolean;
  /** The size of the last level of the cache, in bytes, if the system says it. */
  readonly cacheBytes: number;
  /** What was measured: a hash of the sources and the build flags of each kernel. */
  readonly fingerprints: Fingerprints;
  /** The sizes of what is shipped, in bytes. */
  readonly modules: readonly ModuleSize[];
  /** In ascending order of versions. */
  readonly engines: readonly EngineResult[];
  /** Instructions and cycles; undefined where `perf stat` cannot count them. */
  readonly counters?: readonly Counters[];
  readonly endToEnd: readonly EndToEndResult[];
  readonly memory: readonly MemoryResult[];
  /** What a message takes in the framing loop, without system calls, on {@link mainNode}. Studies before December 2026 have not measured it. */
  readonly loop?: readonly LoopResult[];
  /** Figures that a second program has measured too. */
  readonly checks: readonly Check[];
  /** What could not be measured, and why. */
  readonly failures: readonly string[];
}

export interface ModuleSize {
  readonly name: string;
  readonly bytes: number;
  readonly gzipBytes: number;
}

/** The columns of the figures, as they are written. */
export const COLUMNS = [...KEY_FIELDS, 'attempts'] as const;

/** As JSON, with a line for each figure. There are thousands, so the lines have no names of fields. */
export function serialize(study: Study): string {
  const placed: string[] = [];
  const rows = (figures: readonly Figure[]) => {
    const lines = figures.map((figure) => JSON.stringify(COLUMNS.map((column) => figure[column])));
    return `@${placed.push(lines.length === 0 ? '[]' : `[\n        ${lines.join(',\n        ')}\n      ]`) - 1}@`;
  };
  const engines = study.engines.map((engine) => ({ ...engine, figures: rows(engine.figures) }));
  const text = JSON.stringify({ ...study, columns: COLUMNS, engines }, null, 2);
  return `${text.replace(/"@(\d+)@"/g, (_, i) => placed[Number(i)] as string)}\n`;
}

/** Reads what {@link serialize} has written, now or in format 1. @throws Error if the format is a newer one */
export function deserialize(text: string): Study {
  const { columns, engines, ...study } = JSON.parse(text);
  if (study.format === undefined) return fromFormat1({ columns, engines, ...study });
  if (study.format !== FORMAT) throw new Error(`the study must be of format ${FORMAT} or older, got ${study.format}`);
  const figures = (rows: readonly Row[]) =>
    rows.map((row) => {
      const { attempts, ...key } = fieldsOf(columns, row) as unknown as CaseKey & Pick<Figure, 'attempts'>;
      return figureOf(key, attempts);
    });
  return {
    ...study,
    engines: engines.map((engine: Omit<EngineResult, 'figures'> & { readonly figures: readonly Row[] }) => ({
      ...engine,
      figures: figures(engine.figures),
    })),
  };
}

type Row = readonly unknown[];

function fieldsOf(columns: readonly string[], row: Row): Record<string, unknown> {
  return Object.fromEntries(columns.map((column, i) => [column, row[i]]));
}

/** What of a study of format 1 is not as it is now. */
interface Format1 extends Omit<Study, 'format' | 'engines' | 'endToEnd' | 'fingerprints' | 'modules' | 'checks'> {
  readonly columns: readonly string[];
  readonly engines: readonly (Pick<EngineResult, 'thresholds' | 'compression'> & {
    readonly node: string;
    readonly v8: string;
    readonly figures: readonly Row[];
    readonly unreported: readonly Row[];
  })[];
  readonly endToEnd: readonly (Omit<EndToEndResult, 'threads' | 'turns'> & EndToEndTurn)[];
}

/** What format 1 calls `js` has another name by now: `js` is another kernel. */
function nameNow(candidate: string): string {
  return candidate.replace(/\bjs\b(?!-)/g, 'js-words');
}

/** Nothing is made up: where format 1 has no attempts, there are none. */
function fromFormat1(old: Format1): Study {
  const { columns, ...study } = old;
  const figure = (row: Row, isSteady: boolean): Figure => {
    const {
      cache,
      q1,
      q3,
      ns,
      batches: _,
      ...key
    } = fieldsOf(columns, row) as unknown as CaseKey & {
      readonly cache: CaseKey['pattern'];
      readonly ns: number;
      readonly q1: number;
      readonly q3: number;
      readonly batches: number;
    };
    const candidate = nameNow(key.candidate);
    return { ...key, candidate, pattern: cache, ns, median: ns, least: q1, upper: q3, isSteady, attempts: [] };
  };
  return {
    format: 1,
    date: study.date,
    commit: study.commit,
    machine: study.machine,
    isQuick: study.isQuick,
    cacheBytes: study.cacheBytes,
    fingerprints: {},
    modules: [],
    engines: study.engines.map(({ node, v8, figures, unreported, thresholds, compression }) => ({
      name: `Node ${node.replace(/^v(\d+).*/, '$1')}`,
      version: node,
      compiler: `V8 ${v8}`,
      rounds: 0,
      figures: [...figures.map((row) => figure(row, true)), ...unreported.map((row) => figure(row, false))],
      sentinel: [],
      answers: [],
      ...(thresholds === undefined ? {} : { thresholds }),
      ...(compression === undefined ? {} : { compression }),
    })),
    endToEnd: study.endToEnd.map(({ perSecond, microsPerMessage, isClientBound, isDisturbed, ...load }) => ({
      ...load,
      threads: 1,
      turns: [{ perSecond, microsPerMessage, isClientBound, isDisturbed }],
    })),
    memory: study.memory,
    checks: [],
    failures: study.failures,
  };
}
