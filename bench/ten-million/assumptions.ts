/** What docs/ten-million.md assumes and nobody has measured: the machine, the load, the engine, the clients. */
import type { EngineSpec, NodeSpec, Workload } from './arithmetic.js';
import type { BackOff } from './storm.js';

const GIB = 2 ** 30;
const MILLION = 1e6;

/** A server as it can be rented. Of what it has, ordinary load may take a part: the rest is for peaks, and for the dead node's clients. */
export const NODE: NodeSpec = {
  cores: 16,
  mostProcesses: 1,
  memoryBytes: 64 * GIB,
  gigabitsPerSecond: 10,
  // fs.nr_open of Linux, which bounds `ulimit -n`, unless root raises it.
  descriptors: 2 ** 20,
  memoryShare: 0.75,
  cpuShare: 0.6,
  primaryShare: 0.6,
  networkShare: 0.6,
};

/** The same with as many processes as it takes, up to one for each two cores. */
export const SHARED_NODE: NodeSpec = { ...NODE, mostProcesses: NODE.cores / 2 };

/** One process again, after `sysctl fs.nr_open=8388608`. */
export const WIDE_NODE: NodeSpec = { ...NODE, descriptors: 2 ** 23 };

/** One process of an engine. Servers of NATS and Redis do more or less than that with messages of 100 bytes: measure yours. */
export const ENGINE: EngineSpec = { messagesPerSecond: 500_000, gigabitsPerSecond: 10, share: 0.6 };

/** CPU time of a primary for a message to the engine, and for one of another process from it, while none has been measured. */
export const ASSUMED_BACKPLANE = { outMicros: 15, inMicros: 20 };

const CONNECTIONS: Workload = {
  name: 'idle',
  connections: 10 * MILLION,
  lifetimeSeconds: 3600,
  heartbeatSeconds: 30,
  applicationBytes: 1024,
  publicationsPerSecond: 0,
  publicationBytes: 100,
  topics: 0,
  membersPerTopic: 0,
  placement: 'together',
  hasEngine: false,
  handshakeBytes: 1024,
};

export const ROOMS: Workload = {
  ...CONNECTIONS,
  name: 'rooms, each in one process',
  publicationsPerSecond: (10 * MILLION) / 60,
  topics: (10 * MILLION) / 100,
  membersPerTopic: 100,
};

/** Nothing has to cross, and is published to the engine all the same: as it is where other topics need it. */
export const ROOMS_WITH_ENGINE: Workload = {
  ...ROOMS,
  name: 'rooms, each in one process, with an engine',
  hasEngine: true,
};

export const ROOMS_ANYWHERE: Workload = { ...ROOMS_WITH_ENGINE, name: 'rooms, anywhere', placement: 'anywhere' };

export const WORKLOADS: readonly Workload[] = [
  CONNECTIONS,
  ROOMS,
  ROOMS_WITH_ENGINE,
  ROOMS_ANYWHERE,
  {
    ...CONNECTIONS,
    name: 'one topic of all',
    publicationsPerSecond: 1,
    publicationBytes: 1024,
    topics: 1,
    membersPerTopic: 10 * MILLION,
    placement: 'anywhere',
    hasEngine: true,
  },
];

export const IDLE = CONNECTIONS;

/** With TLS in wsloom: certificates make handshakes longer. */
export function withTls(load: Workload): Workload {
  return { ...load, name: `${load.name}, TLS`, handshakeBytes: 4096 };
}

/** Everything about a storm that is not measured. */
export const STORM = {
  /** What ordinary traffic takes of the CPU. */
  busyShare: 0.3,
  backlog: 4096,
  connectTimeoutSeconds: 10,
  roundTripMs: 50,
  /** A process has died: its kernel closes one socket after another, and each client learns of it at once. */
  processDeathSeconds: 1,
  /** A machine has died: nobody tells the clients, and they find out by the silence. */
  machineDeathSeconds: 60,
  signInTimeoutSeconds: 10,
  horizonSeconds: 180,
  seed: 1,
} as const;

export const BACK_OFFS = {
  'at once': { kind: 'none' },
  'after 1 s': { kind: 'fixed', seconds: 1 },
  'full jitter, 1 s doubling to 30 s': { kind: 'jitter', baseSeconds: 1, capSeconds: 30 },
  'full jitter, 60 s doubling to 120 s': { kind: 'jitter', baseSeconds: 60, capSeconds: 120 },
} as const satisfies Readonly<Record<string, BackOff>>;

export type BackOffName = keyof typeof BACK_OFFS;

/** A service that all nodes ask at each handshake, for example who a token belongs to. */
export const SIGN_INS_PER_SECOND = 20_000;

/** Everything about a topic of a million that is not measured. */
export const TOPIC = {
  subscribers: MILLION,
  engineMs: 1,
  busyShare: 0.3,
  /** Collections of garbage, and hooks that take long. */
  pauseEverySeconds: 10,
  pauseMs: 20,
  messagesPerSecond: 1,
  seconds: 300,
  seed: 1,
} as const;
