/** Measures what a publication through an engine takes of the primary: the way out, and the way in. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fanout } from '../fanout.js';
import { type Fleet, findFleets, RunningFleet } from '../fleets.js';
import type { BackplaneFigure } from './figures-file.js';
import type { Measuring } from './measure.js';
import { firstThreadSecondsOf } from './proc.js';

/** So many that hardly any two publications of a moment are of the same topic: each is a message of its own for the engine. */
const TOPICS = 100;
const UNDER_WAY = 256;

/** The fleets of wsloom that can run here: one of a single process first. @param say hears which engines are missing */
export function measurableFleets(say: (line: string) => void): readonly Fleet[] {
  const { fleets, missing } = findFleets();
  for (const line of missing.filter((one) => one.includes('PATH'))) say(`${line}; what needs it is not measured`);
  return fleets.filter(({ server }) => server === 'wsloom');
}

/** For each publication, the CPU time of the primaries: of the process that publishes, and of another one that has a subscriber. */
export interface PrimaryMicros {
  readonly publisher: number;
  readonly other: number;
}

/** What an engine takes of both, in comparison with a process that has none. */
export function backplaneFigure(
  engine: string,
  bytes: number,
  alone: PrimaryMicros,
  together: PrimaryMicros,
): BackplaneFigure {
  return { engine, bytes, outMicros: Math.max(0, together.publisher - alone.publisher), inMicros: together.other };
}

/** Publishes to topics that have one subscriber in each process. */
export async function primaryMicros(
  { cores, seconds, warmUpSeconds }: Measuring,
  fleet: Fleet,
  bytes: number,
): Promise<PrimaryMicros> {
  const running = await RunningFleet.start(fleet, cores?.server);
  try {
    const { serverPids } = running.target;
    const load = { bytes, topics: TOPICS, subscribers: TOPICS * fleet.processes, pace: { underWay: UNDER_WAY } };
    const now = () => ({ time: performance.now(), cpu: serverPids.map(firstThreadSecondsOf) });
    // For a second in the middle of the measurement, which is a second longer.
    const turn = { seconds: seconds + 1, warmUpSeconds, core: cores?.client };
    const loaded = fanout(running.target, load, turn);
    await sleep((warmUpSeconds + 0.5) * 1000);
    const before = now();
    await sleep(seconds * 1000);
    const after = now();
    const publications = ((await loaded).publicationsPerSecond * (after.time - before.time)) / 1000;
    const [publisher = 0, other = 0] = after.cpu.map((cpu, i) => ((cpu - (before.cpu[i] ?? 0)) * 1e6) / publications);
    return { publisher, other };
  } finally {
    await running.stop();
  }
}
