/**
 * How many machines a load needs: what each connection, message and handshake takes, times how many there are, against what a node has.
 * Nothing is measured here.
 */
import { FRAME_MASK_BYTES, frameHeaderBytes, onWire } from './wire.js';

/** What a server takes, in bytes and microseconds of CPU time. */
export interface Costs {
  readonly serverBytesPerConnection: number;
  readonly kernelBytesPerConnection: number;
  readonly handshakePrimaryMicros: number;
  readonly handshakeWorkerMicros: number;
  /** A ping and its pong. */
  readonly heartbeatMicros: number;
  /** A publication that comes from a client, with the first delivery. */
  readonly publicationMicros: number;
  /** A message to one of many subscribers: `deliveryMicros + bytes * deliveryMicrosPerByte`. */
  readonly deliveryMicros: number;
  readonly deliveryMicrosPerByte: number;
  /** A publication that comes to one more thread. */
  readonly crossingMicros: number;
  /** A publication to the engine, its return included, and one of another process from the engine. All of that is a primary's. */
  readonly backplaneOutMicros: number;
  readonly backplaneInMicros: number;
}

/** A machine, and how much of it is to be used. */
export interface NodeSpec {
  readonly cores: number;
  /** How many processes of wsloom it may run. Each has a primary, descriptors and a connection to the engine of its own; they share the rest. */
  readonly mostProcesses: number;
  readonly memoryBytes: number;
  readonly gigabitsPerSecond: number;
  /** How many descriptors a process may have. */
  readonly descriptors: number;
  /** Each of the following is a part, 0 to 1, that ordinary load may take. */
  readonly memoryShare: number;
  readonly cpuShare: number;
  /** Of each primary, which is one thread. */
  readonly primaryShare: number;
  readonly networkShare: number;
}

export interface Workload {
  readonly name: string;
  readonly connections: number;
  /** Every connection opens a new one after this time on average. */
  readonly lifetimeSeconds: number;
  /** How often a silent client is pinged. */
  readonly heartbeatSeconds: number;
  /** What the application keeps for each connection. */
  readonly applicationBytes: number;
  /** Of all clients together. */
  readonly publicationsPerSecond: number;
  readonly publicationBytes: number;
  readonly topics: number;
  readonly membersPerTopic: number;
  /** Whether the balancer brings the members of a topic to one process, or anywhere. */
  readonly placement: 'together' | 'anywhere';
  /** Whether every publication goes to an engine too: a server does not know who else has subscribers. */
  readonly hasEngine: boolean;
  /** Bytes on the network for an opening handshake, each way. */
  readonly handshakeBytes: number;
}

/** What an engine process takes. */
export interface EngineSpec {
  readonly messagesPerSecond: number;
  readonly gigabitsPerSecond: number;
  /** The part (0 to 1) of both that may be used. */
  readonly share: number;
}

/** What may give out. */
export const RESOURCES = ['memory', 'CPU', 'primaries', 'network', 'descriptors'] as const;
export type Resource = (typeof RESOURCES)[number];

/** Each resource as a part of what may be used of it: above 1, it is not enough. */
export type Use = Readonly<Record<Resource, number>>;

export interface PlannedFleet {
  /** Nodes that carry the load; one more is the reserve for the death of a node. Undefined if no number is enough. */
  readonly nodes: number | undefined;
  /** How many processes each of them runs: no more than it takes. */
  readonly processes: number;
  /** The use of each node while one is missing: with `nodes` of them. With the largest number that was tried if none is enough. */
  readonly use: Use;
  /** What gives out first. */
  readonly first: Resource;
  readonly connectionsPerProcess: number;
  readonly engine: EngineLoad;
}

export interface EngineLoad {
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly gigabitsOut: number;
  /** Of all processes together. */
  readonly subscriptions: number;
  /** How many engines (shards) that is. 0: none is needed. */
  readonly shards: number;
}

const MICROS = 1e-6;
/** Beyond that, no number of nodes is looked for. */
export const MOST_NODES = 1000;

/** The parts (shards, threads, nodes) of `parts` that have at least one of `members` which are anywhere. */
export function partsWith(members: number, parts: number): number {
  if (members === 0) return 0;
  return parts * -Math.expm1(members * Math.log1p(-1 / parts));
}

/** The connections that wsloom takes by default with so many descriptors. */
export function connectionsOf(descriptors: number): number {
  return Math.floor(((descriptors - 256) * 8) / 9);
}

/** The worker threads of all processes of a node: each primary has a core of its own, and each process at least one worker. */
export function workersOf({ cores }: NodeSpec, processes: number): number {
  return Math.max(processes, cores - processes);
}

/** Nodes of one kind. */
export interface Nodes {
  readonly count: number;
  /** Of each of them. */
  readonly processes: number;
}

/** The use of each of the nodes that share a load equally. */
export function useOf(nodes: Nodes, load: Workload, node: NodeSpec, costs: Costs): Use {
  const { connections, publicationsPerSecond: publications, membersPerTopic: members } = load;
  const primaries = nodes.count * nodes.processes;
  const handshakes = connections / load.lifetimeSeconds;
  const pings = connections / load.heartbeatSeconds;
  const primaryMicros =
    handshakes * costs.handshakePrimaryMicros +
    (crosses(primaries, load)
      ? publications * (costs.backplaneOutMicros + (processesReached(primaries, load) - 1) * costs.backplaneInMicros)
      : 0);
  const workerMicros =
    handshakes * costs.handshakeWorkerMicros +
    pings * costs.heartbeatMicros +
    publications *
      (costs.publicationMicros +
        threadsReached(nodes, load, node) * costs.crossingMicros +
        // The first delivery is in what a publication takes.
        Math.max(0, members - 1) * (costs.deliveryMicros + load.publicationBytes * costs.deliveryMicrosPerByte));
  const memory =
    connections * (costs.serverBytesPerConnection + costs.kernelBytesPerConnection + load.applicationBytes);
  return {
    memory: memory / nodes.count / (node.memoryBytes * node.memoryShare),
    CPU: ((primaryMicros + workerMicros) * MICROS) / nodes.count / (node.cores * node.cpuShare),
    primaries: (primaryMicros * MICROS) / primaries / node.primaryShare,
    network: bitsPerSecond(primaries, load) / nodes.count / (node.gigabitsPerSecond * 1e9 * node.networkShare),
    descriptors: connections / primaries / connectionsOf(node.descriptors),
  };
}

/** Whether publications go to the engine: one process needs none. */
function crosses(processes: number, { hasEngine }: Workload): boolean {
  return hasEngine && processes > 1;
}

/** Of all nodes together. Both ways of a network card are as fast as each other, and do not share: the busier one counts. */
function bitsPerSecond(processes: number, load: Workload): number {
  const { connections, publicationsPerSecond: publications, publicationBytes: bytes } = load;
  const deliveries = publications * load.membersPerTopic;
  const acknowledgement = onWire(0);
  const pings = connections / load.heartbeatSeconds;
  const handshakes = (connections / load.lifetimeSeconds) * load.handshakeBytes;
  const throughEngine = crosses(processes, load) ? publications * onWire(bytes + ENGINE_HEADER_BYTES) : 0;
  const out = deliveries * onWire(frameHeaderBytes(bytes) + bytes) + publications * acknowledgement;
  const into = publications * onWire(frameHeaderBytes(bytes) + FRAME_MASK_BYTES + bytes) + deliveries * acknowledgement;
  const both = pings * onWire(frameHeaderBytes(0) + FRAME_MASK_BYTES) + handshakes;
  return 8 * (both + Math.max(out + throughEngine, into + throughEngine * processesReached(processes, load)));
}

/** Subject or channel, and the header of the fleet's format: about. */
const ENGINE_HEADER_BYTES = 100;

/** How many processes have subscribers of a topic, on average: that of a publisher, which is a member, is one of them. */
export function processesReached(processes: number, { placement, membersPerTopic }: Workload): number {
  return placement === 'together' ? 1 : partsWith(membersPerTopic, processes);
}

function threadsReached(nodes: Nodes, { placement, membersPerTopic }: Workload, node: NodeSpec): number {
  const workers = workersOf(node, nodes.processes);
  return partsWith(membersPerTopic, placement === 'together' ? workers / nodes.processes : workers * nodes.count);
}

/** The smallest fleet that carries a load: as few nodes as can be, and then as few processes on each of them. */
export function fleetFor(load: Workload, node: NodeSpec, costs: Costs, engine: EngineSpec): PlannedFleet {
  for (let count = 1; count <= MOST_NODES; count++) {
    for (let processes = 1; processes <= node.mostProcesses; processes++) {
      const use = useOf({ count, processes }, load, node, costs);
      if (RESOURCES.every((resource) => use[resource] <= 1)) return fleetOf({ count, processes }, use, load, engine);
    }
  }
  const most = { count: MOST_NODES, processes: node.mostProcesses };
  return { ...fleetOf(most, useOf(most, load, node, costs), load, engine), nodes: undefined };
}

function fleetOf({ count, processes }: Nodes, use: Use, load: Workload, engine: EngineSpec): PlannedFleet {
  return {
    nodes: count,
    processes,
    use,
    first: RESOURCES.reduce((most, resource) => (use[resource] > use[most] ? resource : most)),
    connectionsPerProcess: load.connections / (count * processes),
    // The reserve is there on ordinary days: it subscribes too.
    engine: engineLoad((count + 1) * processes, load, engine),
  };
}

/** What the processes of a fleet bring to the engines, and take from them. */
export function engineLoad(processes: number, load: Workload, engine: EngineSpec): EngineLoad {
  const { topics, publicationBytes } = load;
  const reached = processesReached(processes, load);
  const publications = crosses(processes, load) ? load.publicationsPerSecond : 0;
  const messagesOut = publications * reached;
  const gigabitsOut = (messagesOut * onWire(publicationBytes + ENGINE_HEADER_BYTES) * 8) / 1e9;
  const most = Math.max(
    (publications + messagesOut) / (engine.messagesPerSecond * engine.share),
    gigabitsOut / (engine.gigabitsPerSecond * engine.share),
  );
  return {
    messagesIn: publications,
    messagesOut,
    gigabitsOut,
    subscriptions: crosses(processes, load) ? topics * reached : 0,
    shards: Math.ceil(most),
  };
}
