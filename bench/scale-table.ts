import { figure, table } from '#dist/cli/table.js';
import { SOCKET_IO } from './fleets.js';
import type { Results } from './results.js';
import { fleetName, type ScaleCaseResult, type ScaleScore } from './sections/scale.js';

/** What publications cost, and how long they take, within one process and to another. */
export function scaleTable({ scale, isPinned, seconds, rounds }: Results): string {
  const { cases, versions } = scale;
  const rows = cases.flatMap((result) =>
    result.scores.map((score, i) => {
      const { flood, paced } = score;
      return [
        i === 0 ? result.case.name : '',
        fleetName(score),
        figure(flood.deliveriesPerSecond),
        `${flood.cpu.toFixed(2)}${markOf(score)}`,
        figure(flood.serverMicros),
        score.processes === 1 ? '' : figure(flood.engineMicros),
        timesCell(result, score),
        ...[paced.own, paced.across].flatMap((delays) =>
          delays === undefined ? ['', ''] : [figure(delays.p50Micros / 1000), figure(delays.p99Micros / 1000)],
        ),
      ];
    }),
  );
  const [first] = cases;
  const paces = new Map(cases.map(({ case: { topics, perSecond } }) => [topics, perSecond]));
  return [
    `Publications to ${first?.case.subscribers ?? 0} subscribers, in one process and in two, half of the subscribers in each`,
    isPinned
      ? 'All servers and the engine between them share a core, the load has another'
      : 'Servers, engine and load are on all cores: nothing could be bound to one',
    `(medians of ${Math.min(rounds, most(cases))} x ${seconds} s; times at ${[...paces].map(([topics, pace]) => `${pace} publications/s to ${topics} ${topics === 1 ? 'topic' : 'topics'}`).join(' and ')})`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    table(
      [
        ...['case', 'servers', 'deliveries/s', 'CPU ', 'CPU µs/delivery', 'engine', `to ${SOCKET_IO}`],
        ...['p50 ms, own', 'p99 ms, own', 'p50 ms, across', 'p99 ms, across'],
      ],
      rows,
    ),
    `to ${SOCKET_IO}: how many times as little CPU time for each delivery, of servers and engine, as ${SOCKET_IO} in as many processes`,
    ...marks(cases),
  ].join('\n');
}

/** How many rounds there were. */
function most(cases: readonly ScaleCaseResult[]): number {
  return Math.max(0, ...cases.flatMap(({ scores }) => scores.map(({ turns }) => turns.length)));
}

function timesCell(result: ScaleCaseResult, score: ScaleScore): string {
  const times = timesAsLittle(result, score);
  return times === undefined ? '' : figure(times);
}

/**
 * How many times as little CPU time for each delivery a fleet takes as Socket.IO in as many processes, by the first of its adapters.
 * Undefined for Socket.IO itself, and if it was not measured.
 */
export function timesAsLittle({ scores }: ScaleCaseResult, score: ScaleScore): number | undefined {
  const base = scores.find(({ server, processes }) => server === SOCKET_IO && processes === score.processes);
  return base === undefined || base === score ? undefined : microsOf(base) / microsOf(score);
}

function microsOf({ flood }: ScaleScore): number {
  return flood.serverMicros + flood.engineMicros;
}

/** `!` for figures that something has disturbed, `*` for those that the load has limited. */
export function markOf({ isDisturbed, isClientBound }: ScaleScore): string {
  if (isDisturbed) return '!';
  return isClientBound ? '*' : ' ';
}

/** What the marks mean that are there. */
export function marks(cases: readonly ScaleCaseResult[]): string[] {
  const found = new Set(cases.flatMap(({ scores }) => scores.map(markOf)));
  return [
    ...(found.has('*') ? ['* the load was the limit: the servers had time left, and deliveries/s say little'] : []),
    ...(found.has('!') ? ['! something else had a part of the cores of servers and load: measure again'] : []),
  ];
}
