import { setTimeout as sleep } from 'node:timers/promises';
import type { Opening } from '../loadgen.js';
import { median } from '../statistics.js';

/** How fast a server opened connections. */
export interface OpeningFigures {
  /** From the first connection until the last was open. */
  readonly seconds: number;
  readonly perSecond: number;
  /** The CPU time of the server for each connection. */
  readonly cpuMicros: number;
  /** How many connections it would open per second with the whole time of one core. */
  readonly perCoreSecond: number;
  /** The part (0 to 1) of that CPU time that its first thread used: of wsloom, the primary. */
  readonly firstThreadShare: number;
}

export function figuresOf({ connections, seconds, cpuSeconds, firstThreadSeconds }: Opening): OpeningFigures {
  return {
    seconds,
    perSecond: connections / seconds,
    cpuMicros: (cpuSeconds / connections) * 1e6,
    perCoreSecond: connections / cpuSeconds,
    firstThreadShare: firstThreadSeconds / cpuSeconds,
  };
}

/** The median of each figure. */
export function medianFigures(figures: readonly OpeningFigures[]): OpeningFigures {
  const of = (figure: keyof OpeningFigures) => median(figures.map((each) => each[figure]));
  return {
    seconds: of('seconds'),
    perSecond: of('perSecond'),
    cpuMicros: of('cpuMicros'),
    perCoreSecond: of('perCoreSecond'),
    firstThreadShare: of('firstThreadShare'),
  };
}

/** Waits until the server has closed the connections that were opened before, so that closing them does not count. */
export async function waitForClosing(): Promise<void> {
  await sleep(CLOSING_MS);
}

const CLOSING_MS = 500;
