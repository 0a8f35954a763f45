/** What docs/ten-million.md simulates. */
import { fleetFor, type NodeSpec } from './arithmetic.js';
import { BACK_OFFS, ENGINE, IDLE, NODE, SIGN_INS_PER_SECOND, STORM, TOPIC, WIDE_NODE, withTls } from './assumptions.js';
import { costsOf } from './costs.js';
import type { ScaleFigures } from './figures-file.js';
import type { StormOptions, StormResult } from './storm.js';
import type { TopicOptions, TopicResult } from './topic.js';
import { frameHeaderBytes, onWire } from './wire.js';

export interface StormScenario {
  readonly fleet: 'many nodes' | 'few nodes';
  /** Who dies, and what else is different: `a process dies`. */
  readonly event: string;
  readonly isSecure: boolean;
  readonly backOff: string;
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
    event: string,
    isSecure: boolean,
    backOff: string,
    more: Partial<StormOptions> = {},
  ): StormScenario => {
    const options = {
      ...stormOptions(figures, node, isSecure),
      backOff: BACK_OFFS[backOff] ?? { kind: 'none' },
      ...more,
    };
    return { fleet, event, isSecure, backOff, options } as const;
  };
  const backOffs = Object.keys(BACK_OFFS);
  const machine = { noticeSeconds: STORM.machineDeathSeconds };
  const signIns = { signInsPerSecond: SIGN_INS_PER_SECOND };
  return [
    ...[false, true].flatMap((isSecure) => backOffs.map((one) => scenario(many, 'a process dies', isSecure, one))),
    ...[false, true].map((isSecure) => scenario(many, 'a machine dies', isSecure, 'at once', machine)),
    ...[false, true].flatMap((isSecure) => backOffs.map((one) => scenario(few, 'a process dies', isSecure, one))),
    ...[false, true].map((isSecure) => scenario(few, 'a machine dies', isSecure, 'at once', machine)),
    ...backOffs.map((one) => scenario(many, 'a process dies, sign-in', false, one, signIns)),
    scenario(many, 'a machine dies, sign-in', false, 'jitter from 1 to 30 s', { ...machine, ...signIns }),
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
export function isOf(
  { storms, topics }: Simulation,
  figures: ScaleFigures,
  isEqual: (one: unknown, other: unknown) => boolean,
): boolean {
  return (
    isEqual(
      storms.map(({ result, ...scenario }) => scenario),
      stormScenarios(figures),
    ) &&
    isEqual(
      topics.map(({ result, ...scenario }) => scenario),
      topicScenarios(figures),
    )
  );
}
