/**
 * What no right study can say. `npm run study` ends with an error if its results do: they are wrong, however steady they look. Cases that
 * are not steady are no fault: they are printed as such.
 */
import { THRESHOLDS } from '#dist/kernels/thresholds.js';
import type { Operation } from './candidate.js';
import { nameOf } from './case.js';
import { estimate } from './estimate.js';
import type { EndToEndResult, EngineResult, Figure, Study } from './results.js';

/** Costs that differ by less than this part of them, or by less ns, are the same: a short call can take another path. */
const NOISE = 0.1;
const NOISE_NS = 4;

/** Servers differ more from start to start, by the place of their memory. */
const SERVER_NOISE = 0.15;

/** How many rounds a whole study has at least. */
export const LEAST_ROUNDS = { kernels: 7, servers: 5 };

/** How far a figure may be from that of the second program: this part of it, or so many ns. */
export const CHECK_BOUND = 0.15;
export const CHECK_NS = 4;

/** How many figures with hot caches the second program measures at least, on the main engine. */
export const LEAST_CHECKS = 10;

/** A sentence for each fault; none if the results can be right. */
export function faultsOf(study: Study): string[] {
  const { engines, endToEnd, isQuick } = study;
  return [
    ...engines.flatMap((engine) => [...roundFaults(engine, isQuick), ...sentinelFaults(engine)]),
    ...(isQuick ? [] : fewRounds(endToEnd)),
    ...impossibleOf(study),
    ...checkFaults(study),
  ];
}

/** Figures that cannot both be right, of a study of any format. */
export function impossibleOf({ engines, endToEnd }: Study): string[] {
  return [...engines.flatMap(sizeFaults), ...orderFaults(endToEnd)];
}

/** Every case has an attempt in every round, and every attempt took time. */
function roundFaults({ name, rounds, figures }: EngineResult, isQuick: boolean): string[] {
  const least = LEAST_ROUNDS.kernels;
  const faults = figures.flatMap((figure) => {
    const { length } = figure.attempts;
    const none = figure.attempts.find((ns) => !(ns > 0 && ns < Number.POSITIVE_INFINITY));
    return [
      ...(length === rounds ? [] : [`${name}: ${nameOf(figure)} has ${length} attempts in ${rounds} rounds`]),
      ...(none === undefined ? [] : [`${name}: ${nameOf(figure)} has an attempt of ${none} ns`]),
    ];
  });
  return isQuick || rounds >= least
    ? faults
    : [`${name}: ${rounds} rounds, and a study has at least ${least}`, ...faults];
}

/**
 * The sentinel runs in every round, and takes the same time in most of them. It works in registers: of neighbours that use only the last
 * cache and the memory it sees nothing.
 */
function sentinelFaults({ name, rounds, sentinel }: EngineResult): string[] {
  if (sentinel.length !== rounds || sentinel.some((ns) => !(ns > 0)))
    return [`${name}: the sentinel has not run in every round`];
  const { median, least, isSteady } = estimate(sentinel);
  if (isSteady) return [];
  return [
    `${name}: the machine was not quiet: the sentinel took ${micros(median)} in the middle round and ${micros(least)} in the fastest`,
  ];
}

function sizeFaults(engine: EngineResult): string[] {
  return disorderOf(engine).map(
    ({ smaller, larger }) =>
      `${engine.name}: ${nameOf(larger)} takes ${larger.ns} ns, and ${smaller.bytes} bytes take ${smaller.ns}: more bytes do not take less time`,
  );
}

/**
 * Sizes between which the kernel `auto` changes to another implementation: it takes the best one for a mixture of texts, so that of one
 * text a larger size may take less time. Between the others it is one implementation, and no exception.
 */
const CHANGES: Readonly<Record<Operation, readonly number[]>> = {
  unmask: [THRESHOLDS.unmaskWasmFromBytes],
  validate: [THRESHOLDS.validateWasmFromBytes, THRESHOLDS.validateNativeFromBytes],
  unmaskText: [THRESHOLDS.unmaskTextWasmFromBytes, THRESHOLDS.unmaskTextNativeFromBytes],
};

function isOneImplementation(smaller: Figure, larger: Figure): boolean {
  if (!/^auto\b/.test(smaller.candidate)) return true;
  return CHANGES[smaller.op].every((bytes) => larger.bytes < bytes || smaller.bytes >= bytes);
}

/** Two figures of one candidate, of which the one of fewer bytes is higher. A disturbance only adds time: that one is wrong. */
interface Disorder {
  readonly smaller: Figure;
  readonly larger: Figure;
}

/** Where a larger size costs less than a smaller one. Only powers of two: other lengths have other tails. */
export function disorderOf({ figures }: EngineResult): Disorder[] {
  const rows = new Map<string, Figure[]>();
  const compared = figures.filter((figure) => Number.isInteger(Math.log2(figure.bytes)) && !hasOwnMemory(figure));
  for (const figure of compared) {
    const row = nameOf({ ...figure, bytes: 0 });
    rows.set(row, [...(rows.get(row) ?? []), figure]);
  }
  return [...rows.values()].flatMap((row) => {
    const sorted = row.toSorted((a, b) => a.bytes - b.bytes);
    return sorted.slice(1).flatMap((larger, i) => {
      const smaller = sorted[i] as Figure;
      return isOneImplementation(smaller, larger) && costsLess(larger, smaller) ? [{ smaller, larger }] : [];
    });
  });
}

/** Whether the first costs less than the second beyond the noise: not even its slower attempts take as long as the fastest one. */
function costsLess(one: Figure, other: Figure): boolean {
  return one.upper * (1 + NOISE) < other.least && one.upper + NOISE_NS < other.least;
}

/**
 * From this size on, in bytes, a string has memory of its own, for which the collector asks the system. It may have a larger one sooner:
 * `TextDecoder` on Node 24, JSON of 1 and 2 MiB.
 */
export const STRINGS_FROM_BYTES = 128 * 1024;

function hasOwnMemory({ candidate, bytes }: Figure): boolean {
  return /\bTextDecoder$/.test(candidate) && bytes >= STRINGS_FROM_BYTES;
}

function fewRounds(endToEnd: readonly EndToEndResult[]): string[] {
  const least = LEAST_ROUNDS.servers;
  return endToEnd
    .filter(({ turns }) => turns.length < least)
    .map((result) => `${serverName(result)}: ${result.turns.length} rounds, and a study has at least ${least}`);
}

/** Binary messages take no more CPU time than the same as text, which is validated too. */
function orderFaults(endToEnd: readonly EndToEndResult[]): string[] {
  return endToEnd
    .filter(({ content }) => content === 'binary')
    .flatMap((binary) =>
      endToEnd
        .filter((text) => text.content !== 'binary' && isSameButText(binary, text) && isSlower(binary, text))
        .map((text) => `${serverName(binary)} takes more CPU time than ${text.content}, which is validated too`),
    );
}

function isSameButText(one: EndToEndResult, other: EndToEndResult): boolean {
  const fields = ['kernel', 'threads', 'connections', 'bytes', 'inFlight'] as const;
  return fields.every((field) => one[field] === other[field]);
}

/** Whether binary messages took more CPU time than text, beyond the noise. */
function isSlower(binary: EndToEndResult, text: EndToEndResult): boolean {
  const [fastest, slowest] = [estimate(cpuTimes(binary)).least, estimate(cpuTimes(text)).upper];
  return fastest > slowest * (1 + SERVER_NOISE);
}

function cpuTimes({ turns }: EndToEndResult): number[] {
  return turns.map(({ microsPerMessage }) => microsPerMessage);
}

/** The second program has measured, and agrees. Of all cases that it does not have the gate does not know it. */
function checkFaults({ checks, engines, mainNode, measuring }: Study): string[] {
  const wrong = checks
    .filter(({ own, ns = Number.NaN }) => !(Math.abs(own / ns - 1) <= CHECK_BOUND || Math.abs(own - ns) <= CHECK_NS))
    .map(({ engine, name, own, ns }) => {
      const where = engine === undefined ? name : `${name} on ${engine}`;
      return `the cross-check has ${own} ns for ${where}, and the study ${ns ?? 'no figure'}`;
    });
  const main = engines.find(({ version }) => version === mainNode)?.name;
  const ofMain = checks.filter(({ engine }) => engine === undefined || engine === main);
  const hot = measuring === undefined ? ofMain : ofMain.filter(({ name }) => name.endsWith(' hot'));
  const missing = (['cold', 'many'] as const).filter(
    (pattern) => measuring !== undefined && !ofMain.some(({ name }) => name.endsWith(` ${pattern}`)),
  );
  return [
    ...(hot.length >= LEAST_CHECKS
      ? []
      : [`the cross-check has ${hot.length} figures, and a study has at least ${LEAST_CHECKS}`]),
    ...missing.map((pattern) => `the cross-check has no figure of a case that is ${pattern}`),
    ...wrong,
  ];
}

function serverName({ kernel, threads, connections, bytes, inFlight, content }: EndToEndResult): string {
  return `the server with ${kernel}, ${threads === 1 ? '1 thread' : `${threads} threads`}, ${connections} connections, ${bytes} bytes, ${inFlight} in flight, ${content}`;
}

function micros(ns: number): string {
  return `${(ns / 1000).toFixed(1)} µs`;
}
