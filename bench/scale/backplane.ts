/** Measures what a publication through an engine takes of the primary: the way out, and the way in. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fanout } from '../fanout.js';
import { type Fleet, findFleets, RunningFleet } from '../fleets.js';
import type { BackplaneFigure } from './figures-file.js';
import type { Measuring } from './measure.js';
import { cpuSecondsOf, firstThreadSecondsOf } from './proc.js';

/** So many that hardly any two publications of a moment are of the same topic: each is a message of its own for the engine. */
const TOPICS = 100;
const UNDER_WAY = 256;

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
    const { serverPids, enginePid } = running.target;
    const load = { bytes, topics: TOPICS, subscribers: TOPICS * fleet.processes, pace: { underWay: UNDER_WAY } };
    const now = () => ({
      time: performance.now(),
      primaries: serverPids.map(firstThreadSecondsOf),
      engine: enginePid === undefined ? 0 : cpuSecondsOf(enginePid),
    });
    // What is looked at is the middle of a load that lasts a second longer.
    const turn = { seconds: seconds + 1, warmUpSeconds, core: cores?.client };
    const loaded = fanout(running.target, load, turn);
    const taken = await Promise.all([loaded, during(now, (warmUpSeconds + SETTLING_SECONDS) * 1000, seconds * 1000)]);
    const [{ publicationsPerSecond }, [before, after]] = taken;
    const publications = (publicationsPerSecond * (after.time - before.time)) / 1000;
    const micros = (end: number, begin: number) => ((end - begin) * 1e6) / publications;
    const [publisher = 0, other = 0] = after.primaries.map((end, i) => micros(end, before.primaries[i] ?? 0));
    return { publisher, other, engine: micros(after.engine, before.engine) };
  } finally {
    await running.stop();
  }
}

/** From the start of the program that publishes until its load is steady, beside its warm-up. */
const SETTLING_SECONDS = 0.5;

async function during<State>(now: () => State, delayMs: number, ms: number): Promise<readonly [State, State]> {
  await sleep(delayMs);
  const before = now();
  await sleep(ms);
  return [before, now()];
}
