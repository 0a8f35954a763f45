/** Joins the rounds of engines, each of which a process (or a page of a browser) has measured by itself. */
import { THRESHOLD_NAMES, type Thresholds } from '#dist/kernels/thresholds.js';
import { median } from '../statistics.js';
import { type CaseKey, nameOf } from './case.js';
import type { CompressionFigure } from './compression.js';
import { estimate } from './estimate.js';
import type { LoopAttempt } from './framing-loop.js';
import type { Round } from './harness.js';
import type { Answer } from './questions.js';
import { type AnswerFigure, type EngineResult, figureOf, type LoopResult } from './results.js';

/** What an engine returns for one round, as JSON. */
export interface EngineRound extends Round {
  /** As the engine is called in tables: `Node 24`. */
  readonly name: string;
  readonly version: string;
  /** The compiler and its version: `V8 13.6`. */
  readonly compiler: string;
  /** The step of its clock, in ms. */
  readonly clockStepMs: number;
  /** Browsers are not asked. */
  readonly answers: readonly Answer[];
  /** Only Node has the kernel `auto`. */
  readonly thresholds?: Thresholds;
  /** Not every round measures it. */
  readonly compression?: readonly CompressionFigure[];
}

/** The results of each engine. Rounds are of the same engine if name and version are the same. */
export function joinRounds(rounds: readonly EngineRound[]): EngineResult[] {
  return grouped(rounds, ({ name, version }) => `${name} ${version}`).map((own) => {
    const { name, version, compiler } = own[0];
    const thresholds = own.flatMap((round) => round.thresholds ?? []);
    const compression = joinCompression(own.flatMap((round) => round.compression ?? []));
    return {
      name,
      version,
      compiler,
      rounds: own.length,
      figures: grouped(
        own.flatMap(({ attempts }) => attempts),
        nameOf,
      ).map((attempts) => {
        const { ns: _, ...key } = attempts[0];
        return figureOf(
          key satisfies CaseKey,
          attempts.map(({ ns }) => ns),
        );
      }),
      sentinel: own.map(({ sentinel }) => median(sentinel)),
      clockStepMs: Math.max(...own.map(({ clockStepMs }) => clockStepMs)),
      answers: joinAnswers(own.flatMap(({ answers }) => answers)),
      ...(thresholds.length === 0 ? {} : { thresholds: medianThresholds(thresholds) }),
      ...(compression.length === 0 ? {} : { compression }),
    };
  });
}

/** The results of the framing loop. */
export function joinLoop(attempts: readonly LoopAttempt[]): LoopResult[] {
  return grouped(attempts, ({ kernel, content, bytes }) => `${kernel} ${content} ${bytes}`).map((own) => {
    const { ns: _, ...key } = own[0];
    return { ...key, attempts: own.map(({ ns }) => ns) };
  });
}

function joinAnswers(answers: readonly Answer[]): AnswerFigure[] {
  return grouped(answers, ({ question, subject }) => `${question} ${subject}`).map((own) => {
    const { value: _, ...about } = own[0];
    return { ...about, attempts: own.map(({ value }) => value) };
  });
}

function joinCompression(figures: readonly CompressionFigure[]): CompressionFigure[] {
  return grouped(figures, ({ candidate, contextTakeover, bytes }) => `${candidate} ${contextTakeover} ${bytes}`).map(
    (own) => {
      const deflate = estimate(own.map(({ deflateMicros }) => deflateMicros));
      const inflate = estimate(own.map(({ inflateMicros }) => inflateMicros));
      const isSteady = deflate.isSteady && inflate.isSteady;
      return { ...own[0], deflateMicros: deflate.value, inflateMicros: inflate.value, isSteady };
    },
  );
}

function medianThresholds(all: readonly Thresholds[]): Thresholds {
  const of = THRESHOLD_NAMES.map((name) => [name, Math.round(median(all.map((one) => one[name])))] as const);
  return Object.fromEntries(of) as unknown as Thresholds;
}

/** In the order in which each group came first. */
function grouped<Value>(values: readonly Value[], groupOf: (value: Value) => string): [Value, ...Value[]][] {
  const groups = new Map<string, [Value, ...Value[]]>();
  for (const value of values) {
    const group = groups.get(groupOf(value));
    if (group === undefined) groups.set(groupOf(value), [value]);
    else group.push(value);
  }
  return [...groups.values()];
}
