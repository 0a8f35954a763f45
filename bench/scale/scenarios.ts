/** What docs/ten-million.md simulates. */
import { isDeepStrictEqual } from 'node:util';
import { fleetFor, type NodeSpec } from './arithmetic.js';
import {
  type BackOffName,
  BACK_OFFS,
  ENGINE,
  IDLE,
  NODE,
  SIGN_INS_PER_SECOND,
  STORM,
  TOPIC,
  WIDE_NODE,
  withTls,
} from './assumptions.js';
import { costsOf } from './costs.js';
import type { ScaleFigures } from './figures-file.js';
import type { StormOptions, StormResult } from './storm.js';
import type { TopicOptions, TopicResult } from './topic.js';
import { frameHeaderBytes, onWire } from './wire.js';

export interface StormScenario {
  readonly fleet: 'many nodes' | 'few nodes';
  readonly event: 'a process dies' | 'a machine dies';
  /** Whether there is a service that nodes ask, and whether questions end with their client. */
  readonly signIn: 'none' | 'asked' | 'asked and ended';
  readonly isSecure: boolean;
  readonly backOff: BackOffName;
  readonly options: StormOptions;
}

export interface TopicScenario {
  readonly bytes: number;
  readonly options: TopicOptions;
}

/** What `npm run scale:simulate` writes: bench/results/scale-simulation.json. */
export interface Simulation {
  readonly storms: readonly (StormScenario & { readonly result: StormResult })[];
  readonly topics: readonly (TopicScenario & { readonly result: TopicResult })[];
}

export function stormScenarios(figures: ScaleFigures): StormScenario[] {
  const many = { fleet: 'many nodes', node: NODE } as const;
  const few = { fleet: 'few nodes', node: WIDE_NODE } as const;
  const scenario = (
    { fleet, node }: typeof many | typeof few,
    event: StormScenario['event'],
    isSecure: boolean,
    backOff: BackOffName,
    signIn: StormScenario['signIn'] = 'none',
  ): StormScenario => {
    const options: StormOptions = {
      ...stormOptions(figures, node, isSecure),
      backOff: BACK_OFFS[backOff],
      noticeSeconds: event === 'a process dies' ? STORM.processDeathSeconds : STORM.machineDeathSeconds,
      signInsPerSecond: signIn === 'none' ? 0 : SIGN_INS_PER_SECOND,
      endsQuestions: signIn === 'asked and ended',
    };
    return { fleet, event, isSecure, backOff, signIn, options };
  };
  const backOffs = ['at once', 'after 1 s', 'jitter of 1 to 30 s'] as const;
  const longer = [...backOffs, 'jitter of 60 to 120 s'] as const;
  return [
    ...[many, few].flatMap((fleet) =>
      [false, true].flatMap((isSecure) => [
        ...backOffs.map((one) => scenario(fleet, 'a process dies', isSecure, one)),
        scenario(fleet, 'a machine dies', isSecure, 'at once'),
      ]),
    ),
    ...(['asked', 'asked and ended'] as const).flatMap((signIn) => [
      ...longer.map((one) => scenario(many, 'a process dies', false, one, signIn)),
      scenario(many, 'a machine dies', false, 'at once', signIn),
    ]),
  ];
}

/** A node of the fleet dies that carries ten million idle connections, its reserve included. */
export function stormOptions(figures: ScaleFigures, node: NodeSpec, isSecure: boolean): StormOptions {
  const costs = costsOf(figures, isSecure);
  const load = isSecure ? withTls(IDLE) : IDLE;
  const { nodes = 1 } = fleetFor(load, node, costs, ENGINE);
  return {
    nodes: nodes + 1,
    connections: Math.round(load.connections / (nodes + 1)),
    primaryMicros: costs.handshakePrimaryMicros,
    workerMicros: costs.handshakeWorkerMicros,
    // The primary has the core that is missing.
    workers: node.cores - 1,
    busyShare: STORM.busyShare,
    backlog: STORM.backlog,
    spareConnections: load.connections,
    connectTimeoutSeconds: STORM.connectTimeoutSeconds,
    roundTripMs: STORM.roundTripMs,
    roundTrips: isSecure ? 3 : 2,
    noticeSeconds: STORM.processDeathSeconds,
    backOff: { kind: 'none' },
    signInsPerSecond: 0,
    endsQuestions: false,
    signInTimeoutSeconds: STORM.signInTimeoutSeconds,
    horizonSeconds: STORM.horizonSeconds,
    seed: STORM.seed,
  };
}

export function topicScenarios(figures: ScaleFigures): TopicScenario[] {
  return [100, 1024].flatMap((bytes) =>
    [1, 2, 4, 8, 16].map((nodes) => ({ bytes, options: topicOptions(figures, bytes, nodes) })),
  );
}

export function topicOptions(figures: ScaleFigures, bytes: number, nodes: number): TopicOptions {
  const costs = costsOf(figures, false);
  return {
    subscribers: TOPIC.subscribers,
    nodes,
    threads: NODE.cores - 1,
    deliveryMicros: costs.deliveryMicros + bytes * costs.deliveryMicrosPerByte,
    crossingMicros: costs.crossingMicros,
    inMicros: costs.backplaneInMicros,
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
export function isOf({ storms, topics }: Simulation, figures: ScaleFigures): boolean {
  const scenarios = <Result extends object>(all: readonly (Result & { readonly result: unknown })[]) =>
    all.map(({ result, ...scenario }) => scenario);
  return (
    isDeepStrictEqual(scenarios(storms), stormScenarios(figures)) &&
    isDeepStrictEqual(scenarios(topics), topicScenarios(figures))
  );
}
