/** What the turns of a server say. */
import { type Estimate, estimate } from './estimate.js';
import { UNSTEADY } from './findings.js';
import type { EndToEndResult } from './results.js';

/** A figure that is better the higher it is, and the spread of its turns: from the upper quartile of the costs to the least cost. */
export interface Range {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** What servers are compared by: messages per second or, where the client was the limit, CPU time for a message. */
export type Metric = 'messages' | 'CPU time';

export interface ServerFigure {
  /** Echoes per second. */
  readonly perSecond: Range;
  /** CPU time for a message, in µs. */
  readonly micros: Estimate;
  /** Whether the turns agree, by each metric. See {@link Estimate.isSteady}. */
  readonly isSteadyBy: Readonly<Record<Metric, boolean>>;
  /** Whether the client was the limit in most turns. */
  readonly isClientBound: boolean;
  /** Whether something else used a part of the cores in most turns. */
  readonly isDisturbed: boolean;
}

export function serverFigure({ turns }: EndToEndResult): ServerFigure {
  const isMostly = (is: (turn: (typeof turns)[number]) => boolean) => 2 * turns.filter(is).length > turns.length;
  const seconds = estimate(turns.map(({ perSecond }) => 1 / perSecond));
  const micros = estimate(turns.map(({ microsPerMessage }) => microsPerMessage));
  return {
    perSecond: { value: 1 / seconds.value, low: 1 / seconds.upper, high: 1 / seconds.least },
    micros,
    isSteadyBy: { messages: seconds.isSteady, 'CPU time': micros.isSteady },
    isClientBound: isMostly((turn) => turn.isClientBound),
    isDisturbed: isMostly((turn) => turn.isDisturbed),
  };
}

/** How a server compares with another one, without the figure. */
export interface Standing {
  readonly metric: Metric;
  /** Whether both servers are steady by this metric. */
  readonly isSteady: boolean;
  /** Whether something else used a part of the cores of either. */
  readonly isDisturbed: boolean;
}

/** How many times as much one server carries as another. */
export interface Comparison extends Range, Standing {}

/** @param base the server that it is compared with; itself for a figure that stands alone */
export function standing(of: EndToEndResult, base: EndToEndResult = of): Standing {
  const both = [of, base].map(serverFigure);
  const metric = both.some(({ isClientBound }) => isClientBound) ? 'CPU time' : 'messages';
  return {
    metric,
    isSteady: both.every(({ isSteadyBy }) => isSteadyBy[metric]),
    isDisturbed: both.some(({ isDisturbed }) => isDisturbed),
  };
}

/** The marks of a figure in tables. */
export function marksOf({ metric, isSteady, isDisturbed }: Standing): string {
  return `${isSteady ? '' : UNSTEADY}${isDisturbed ? '!' : ''}${metric === 'CPU time' ? '*' : ''}`;
}

/** The server with `js` and one thread under the same load: what others are compared with. */
export function baseOf(results: readonly EndToEndResult[], of: EndToEndResult): EndToEndResult | undefined {
  return results.find((one) => one.kernel === 'js' && one.threads === 1 && isSameLoad(one, of));
}

/**
 * How many times as many messages the server carries with a kernel as with `js`. Compares CPU time where the client was the limit of
 * either. The range is the widest that the turns of both allow. Undefined if there is no server with `js` under this load.
 */
export function comparison(results: readonly EndToEndResult[], of: EndToEndResult): Comparison | undefined {
  const base = baseOf(results, of);
  if (base === undefined) return undefined;
  const how = standing(of, base);
  const [own, js] = [serverFigure(of), serverFigure(base)];
  if (how.metric === 'CPU time') {
    return {
      ...how,
      value: js.micros.value / own.micros.value,
      low: js.micros.least / own.micros.upper,
      high: js.micros.upper / own.micros.least,
    };
  }
  return {
    ...how,
    value: own.perSecond.value / js.perSecond.value,
    low: own.perSecond.low / js.perSecond.high,
    high: own.perSecond.high / js.perSecond.low,
  };
}

/** What a kernel is worth under one load. */
export interface Gain {
  readonly result: EndToEndResult;
  readonly value: number;
}

/** The gains of one kernel with one thread, in ascending order, without those where a server was disturbed or is not steady. */
export function gainsOf(results: readonly EndToEndResult[], kernel: string): Gain[] {
  return results
    .filter((result) => result.kernel === kernel && result.threads === 1)
    .flatMap((result) => {
      const found = comparison(results, result);
      return found === undefined || !found.isSteady || found.isDisturbed ? [] : [{ result, value: found.value }];
    })
    .sort((a, b) => a.value - b.value);
}

/** From this size on, messages of a server are read one by one, and unmasking is all that its kernels do differently to binary ones. */
export const ALONE_BYTES = 16 * 1024;

/** The gains from {@link ALONE_BYTES} on by what the messages are: of text, validation differs too. */
export function gainsByContent(
  results: readonly EndToEndResult[],
  kernel: string,
): readonly (readonly [content: EndToEndResult['content'], gains: readonly Gain[]])[] {
  const gains = gainsOf(results, kernel).filter(({ result }) => result.bytes >= ALONE_BYTES);
  return (['binary', 'ascii', 'utf8'] as const)
    .map((content) => [content, gains.filter(({ result }) => result.content === content)] as const)
    .filter(([, found]) => found.length > 0);
}

/** What sentences leave out from {@link ALONE_BYTES} on, because a server was disturbed or is not steady, with the marks of the figure. */
export function leftOut(results: readonly EndToEndResult[], kernel: string): (Gain & { readonly marks: string })[] {
  return results
    .filter((result) => result.kernel === kernel && result.threads === 1 && result.bytes >= ALONE_BYTES)
    .flatMap((result) => {
      const found = comparison(results, result);
      return found === undefined || (found.isSteady && !found.isDisturbed)
        ? []
        : [{ result, value: found.value, marks: marksOf(found) }];
    });
}

/** The gains where unmasking is all that differs, in ascending order of sizes: binary messages from {@link ALONE_BYTES} on. */
export function gainsAlone(results: readonly EndToEndResult[], kernel: string): Gain[] {
  return gainsOf(results, kernel)
    .filter(({ result }) => result.content === 'binary' && result.bytes >= ALONE_BYTES)
    .sort((one, other) => one.result.bytes - other.result.bytes);
}

export function isSameLoad(one: EndToEndResult, other: EndToEndResult): boolean {
  return (['connections', 'bytes', 'inFlight', 'content'] as const).every((field) => one[field] === other[field]);
}
