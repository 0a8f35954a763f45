/** What the turns of a server say. */
import { type Estimate, estimate } from './estimate.js';
import type { EndToEndResult } from './results.js';

/** A figure that is better the higher it is, and the spread of its turns: from the upper quartile of the costs to the least cost. */
export interface Range {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** How many times as much. */
interface Gain extends Range {
  /** Whether both servers are steady. */
  readonly isSteady: boolean;
}

export interface ServerFigure {
  /** Echoes per second. */
  readonly perSecond: Range;
  /** CPU time for a message, in µs. */
  readonly micros: Estimate;
  /** Whether the turns agree, about what is compared: CPU time if the client was the limit. See {@link Estimate.isSteady}. */
  readonly isSteady: boolean;
  /** Whether the client was the limit in most turns. */
  readonly isClientBound: boolean;
  /** Whether something else used a part of the cores in most turns. */
  readonly isDisturbed: boolean;
}

export function serverFigure({ turns }: EndToEndResult): ServerFigure {
  const isMostly = (is: (turn: (typeof turns)[number]) => boolean) => 2 * turns.filter(is).length > turns.length;
  const seconds = estimate(turns.map(({ perSecond }) => 1 / perSecond));
  const micros = estimate(turns.map(({ microsPerMessage }) => microsPerMessage));
  const isClientBound = isMostly((turn) => turn.isClientBound);
  return {
    perSecond: { value: 1 / seconds.value, low: 1 / seconds.upper, high: 1 / seconds.least },
    micros,
    isSteady: isClientBound ? micros.isSteady : seconds.isSteady,
    isClientBound,
    isDisturbed: isMostly((turn) => turn.isDisturbed),
  };
}

/**
 * How many times as many messages the server carries with a kernel as with `js`. Compares CPU time where the client was the limit. The
 * range is the widest that the turns of both allow. Undefined if either is missing.
 */
export function gain(results: readonly EndToEndResult[], of: EndToEndResult): Gain | undefined {
  const base = results.find((one) => one.kernel === 'js' && one.threads === 1 && isSameLoad(one, of));
  if (base === undefined) return undefined;
  const [own, js] = [serverFigure(of), serverFigure(base)];
  const isSteady = own.isSteady && js.isSteady;
  if (own.isClientBound || js.isClientBound) {
    return {
      value: js.micros.value / own.micros.value,
      low: js.micros.least / own.micros.upper,
      high: js.micros.upper / own.micros.least,
      isSteady,
    };
  }
  return {
    value: own.perSecond.value / js.perSecond.value,
    low: own.perSecond.low / js.perSecond.high,
    high: own.perSecond.high / js.perSecond.low,
    isSteady,
  };
}

/** The gains of one kernel with one thread, in ascending order, without those where a server was disturbed or is not steady. */
export function gainsOf(
  results: readonly EndToEndResult[],
  kernel: string,
): { readonly result: EndToEndResult; readonly value: number }[] {
  return results
    .filter((result) => result.kernel === kernel && result.threads === 1 && isSound(result))
    .flatMap((result) => {
      const found = gain(results.filter(isSound), result);
      return found === undefined ? [] : [{ result, value: found.value }];
    })
    .sort((a, b) => a.value - b.value);
}

/** Whether a sentence can be made of it. */
function isSound(result: EndToEndResult): boolean {
  const { isDisturbed, isSteady } = serverFigure(result);
  return !isDisturbed && isSteady;
}

export function isSameLoad(one: EndToEndResult, other: EndToEndResult): boolean {
  return (['connections', 'bytes', 'inFlight', 'content'] as const).every((field) => one[field] === other[field]);
}
