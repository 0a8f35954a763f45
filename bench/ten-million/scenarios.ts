/** What docs/ten-million.md simulates. */
import { isDeepStrictEqual } from 'node:util';
import { fleetFor, type NodeSpec, workersOf } from './arithmetic.js';
import {
  BACK_OFFS,
  type BackOffName,
  ENGINE,
  IDLE,
  NODE,
  SIGN_INS_PER_SECOND,
  STORM,
  TOPIC,
  WIDE_NODE,
  withTls,
} from './assumptions.js';
import { costsOf, isTls } from './costs.js';
import type { Figures, Handshake } from './figures-file.js';
import type { StormOptions, StormResult } from './storm.js';
import type { TopicOptions, TopicResult } from './topic.js';
import { frameHeaderBytes, onWire } from './wire.js';

export interface StormScenario {
  readonly fleet: 'many nodes' | 'few nodes';
  readonly event: 'a process dies' | 'a machine dies';
  readonly handshake: Handshake;
  readonly backOff: BackOffName;
  /** Whether there is a service that nodes ask about each client, and whether they take back questions about clients that have gone. */
  readonly signIn: 'none' | 'asked' | 'asked and ended';
  readonly options: StormOptions;
}

export interface TopicScenario {
  readonly bytes: number;
  readonly options: TopicOptions;
}

/** What `npm run ten-million:simulate` writes: bench/results/ten-million-simulation.json. */
export interface Simulation {
  readonly storms: readonly SimulatedStorm[];
  readonly topics: readonly (TopicScenario & { readonly result: TopicResult })[];
}

export type SimulatedStorm = StormScenario & { readonly result: StormResult };

/** The back-off that clients should have. */
export const JITTER = 'full jitter, 1 s doubling to 30 s' as const satisfies BackOffName;
/** The one that spreads already first attempts over a minute. */
export const SPREAD = 'full jitter, 60 s doubling to 120 s' as const satisfies BackOffName;

const FLEETS = { 'many nodes': NODE, 'few nodes': WIDE_NODE } as const;

export function stormScenarios(figures: Figures): StormScenario[] {
  const scenario = (kind: Omit<StormScenario, 'options'>): StormScenario => {
    const { fleet, event, handshake, backOff, signIn } = kind;
    const options = {
      ...stormOptions(figures, FLEETS[fleet], handshake),
      backOff: BACK_OFFS[backOff],
      noticeSeconds: event === 'a process dies' ? STORM.processDeathSeconds : STORM.machineDeathSeconds,
      signInsPerSecond: signIn === 'none' ? 0 : SIGN_INS_PER_SECOND,
      endsQuestions: signIn === 'asked and ended',
    };
    return { ...kind, options };
  };
  const process = { event: 'a process dies', signIn: 'none' } as const;
  const machine = { event: 'a machine dies', signIn: 'none', backOff: 'at once' } as const;
  const backOffs = ['at once', 'after 1 s', JITTER] as const;
  const hasWorkers = figures.handshakes.some(({ kind }) => kind === IN_WORKERS);
  return [
    ...(['many nodes', 'few nodes'] as const).flatMap((fleet) => [
      ...backOffs.map((backOff) => scenario({ ...process, fleet, handshake: 'plain', backOff })),
      ...(hasWorkers ? [scenario({ ...process, fleet, handshake: IN_WORKERS, backOff: JITTER })] : []),
      scenario({ ...machine, fleet, handshake: 'plain' }),
      ...backOffs.map((backOff) => scenario({ ...process, fleet, handshake: 'tls', backOff })),
      scenario({ ...machine, fleet, handshake: 'tls' }),
    ]),
    ...(['asked', 'asked and ended'] as const).flatMap((signIn) => {
      const asked = { fleet: 'many nodes', handshake: 'plain', signIn } as const;
      return [
        ...[...backOffs, SPREAD].map((backOff) => scenario({ ...process, ...asked, backOff })),
        scenario({ ...machine, ...asked }),
      ];
    }),
  ];
}

const IN_WORKERS: Handshake = 'plain, in workers';

/** A node of the fleet dies that carries ten million idle connections, its reserve included. A node has one process. */
export function stormOptions(figures: Figures, node: NodeSpec, handshake: Handshake): StormOptions {
  const costs = costsOf(figures, handshake);
  const load = isTls(handshake) ? withTls(IDLE) : IDLE;
  const { nodes = 1 } = fleetFor(load, node, costs, ENGINE);
  return {
    nodes: nodes + 1,
    connections: Math.round(load.connections / (nodes + 1)),
    primaryMicros: costs.handshakePrimaryMicros,
    workerMicros: costs.handshakeWorkerMicros,
    workers: workersOf(node, 1),
    busyShare: STORM.busyShare,
    backlog: STORM.backlog,
    spareConnections: load.connections,
    connectTimeoutSeconds: STORM.connectTimeoutSeconds,
    roundTripMs: STORM.roundTripMs,
    roundTrips: isTls(handshake) ? 3 : 2,
    noticeSeconds: STORM.processDeathSeconds,
    backOff: { kind: 'none' },
    signInsPerSecond: 0,
    endsQuestions: false,
    signInTimeoutSeconds: STORM.signInTimeoutSeconds,
    horizonSeconds: STORM.horizonSeconds,
    seed: STORM.seed,
  };
}

export function topicScenarios(figures: Figures): TopicScenario[] {
  return [100, 1024].flatMap((bytes) =>
    [1, 2, 4, 8, 16].map((nodes) => ({ bytes, options: topicOptions(figures, bytes, nodes) })),
  );
}

export function topicOptions(figures: Figures, bytes: number, nodes: number): TopicOptions {
  const costs = costsOf(figures, 'plain');
  return {
    subscribers: TOPIC.subscribers,
    nodes,
    threads: workersOf(NODE, 1),
    deliveryMicros: costs.deliveryMicros + bytes * costs.deliveryMicrosPerByte,
    crossingMicros: costs.crossingMicros,
    inMicros: nodes > 1 ? costs.backplaneInMicros : 0,
    engineMs: nodes > 1 ? TOPIC.engineMs : 0,
    wireBytes: onWire(frameHeaderBytes(bytes) + bytes),
    gigabitsPerSecond: NODE.gigabitsPerSecond,
    busyShare: TOPIC.busyShare,
    pauseEverySeconds: TOPIC.pauseEverySeconds,
    pauseMs: TOPIC.pauseMs,
    messagesPerSecond: TOPIC.messagesPerSecond,
    seconds: TOPIC.seconds,
    seed: TOPIC.seed,
  };
}

/** Whether a simulation is of these figures, and of what is assumed now. */
export function isOf({ storms, topics }: Simulation, figures: Figures): boolean {
  const scenarios = (all: readonly { readonly result: unknown }[]) => all.map(({ result, ...scenario }) => scenario);
  return (
    isDeepStrictEqual(scenarios(storms), stormScenarios(figures)) &&
    isDeepStrictEqual(scenarios(topics), topicScenarios(figures))
  );
}
