/** Measures what a publication through an engine takes of the primary: the way out, and the way in. */
import { type FanoutRun, fanout } from '../fanout.js';
import { type Fleet, findFleets, RunningFleet } from '../fleets.js';
import type { BackplaneFigure } from './figures-file.js';
import type { Measuring } from './measure.js';

/** More than publications are under way, and they go round the topics: so each is a message of its own for the engine. */
const TOPICS = 100;
const UNDER_WAY = 64;

/** The fleets of wsloom that can run here: one of a single process first. @param say hears which engines are missing */
export function measurableFleets(say: (line: string) => void): readonly Fleet[] {
  const { fleets, missing } = findFleets();
  for (const line of missing.filter((one) => one.includes('PATH'))) say(`${line}; what needs it is not measured`);
  return fleets.filter(({ server }) => server === 'wsloom');
}

/** The CPU time for each publication. */
export interface PublicationMicros {
  /** Of the primary of the process that publishes, and of another one that has a subscriber. */
  readonly publisher: number;
  readonly other: number;
  readonly engine: number;
}

/** What an engine takes of both, in comparison with a process that has none. */
export function backplaneFigure(
  engine: string,
  bytes: number,
  alone: PublicationMicros,
  together: PublicationMicros,
): BackplaneFigure {
  return {
    engine,
    bytes,
    outMicros: Math.max(0, together.publisher - alone.publisher),
    inMicros: together.other,
    engineMicros: together.engine,
  };
}

/** Publishes to topics that have one subscriber in each process. */
export async function publicationCpu(
  { cores, seconds, warmUpSeconds }: Measuring,
  fleet: Fleet,
  bytes: number,
): Promise<PublicationMicros> {
  const running = await RunningFleet.start(fleet, cores?.server);
  try {
    const load = { bytes, topics: TOPICS, subscribers: TOPICS * fleet.processes, pace: { underWay: UNDER_WAY } };
    return publicationMicrosOf(await fanout(running.target, load, { seconds, warmUpSeconds, core: cores?.client }));
  } finally {
    await running.stop();
  }
}

export function publicationMicrosOf({
  firstThreadMicros: [publisher = 0, other = 0],
  engineMicros,
  deliveriesPerSecond,
  publicationsPerSecond,
}: FanoutRun): PublicationMicros {
  return { publisher, other, engine: (engineMicros * deliveriesPerSecond) / publicationsPerSecond };
}
