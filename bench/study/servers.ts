/** What the turns of a server say. */
import { type Estimate, estimate } from './estimate.js';
import type { EndToEndResult } from './results.js';

/** A figure that is better the higher it is, and the spread of its turns: from the upper quartile of the costs to the least cost. */
export interface Range {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface ServerFigure {
  /** Echoes per second. */
  readonly perSecond: Range;
  /** CPU time for a message, in µs. */
  readonly micros: Estimate;
  /** Whether the turns agree: see {@link Estimate.isSteady}. */
  readonly isSteady: boolean;
  /** Whether the client was the limit in most turns. */
  readonly isClientBound: boolean;
  /** Whether something else used a part of the cores in most turns. */
  readonly isDisturbed: boolean;
}

export function serverFigure({ turns }: EndToEndResult): ServerFigure {
  const isMostly = (is: (turn: (typeof turns)[number]) => boolean) => 2 * turns.filter(is).length > turns.length;
  const seconds = estimate(turns.map(({ perSecond }) => 1 / perSecond));
  return {
    perSecond: { value: 1 / seconds.value, low: 1 / seconds.upper, high: 1 / seconds.least },
    micros: estimate(turns.map(({ microsPerMessage }) => microsPerMessage)),
    isSteady: seconds.isSteady,
    isClientBound: isMostly((turn) => turn.isClientBound),
    isDisturbed: isMostly((turn) => turn.isDisturbed),
  };
}

/**
 * How many times as many messages the server carries with a kernel as with `js`. Compares CPU time where the client was the limit. The
 * range is the widest that the turns of both allow. Undefined if either is missing.
 */
export function gain(results: readonly EndToEndResult[], of: EndToEndResult): Range | undefined {
  const base = results.find((one) => one.kernel === 'js' && one.threads === 1 && isSameLoad(one, of));
  if (base === undefined) return undefined;
  const [own, js] = [serverFigure(of), serverFigure(base)];
  if (own.isClientBound || js.isClientBound) {
    return {
      value: js.micros.value / own.micros.value,
      low: js.micros.least / own.micros.upper,
      high: js.micros.upper / own.micros.least,
    };
  }
  return {
    value: own.perSecond.value / js.perSecond.value,
    low: own.perSecond.low / js.perSecond.high,
    high: own.perSecond.high / js.perSecond.low,
  };
}

/** The gains of one kernel with one thread, in ascending order, without those that were disturbed. */
export function gainsOf(
  results: readonly EndToEndResult[],
  kernel: string,
): { readonly result: EndToEndResult; readonly value: number }[] {
  return results
    .filter((result) => result.kernel === kernel && result.threads === 1 && !serverFigure(result).isDisturbed)
    .flatMap((result) => {
      const found = gain(results, result);
      return found === undefined ? [] : [{ result, value: found.value }];
    })
    .sort((a, b) => a.value - b.value);
}

export function isSameLoad(one: EndToEndResult, other: EndToEndResult): boolean {
  return (['connections', 'bytes', 'inFlight', 'content'] as const).every((field) => one[field] === other[field]);
}
