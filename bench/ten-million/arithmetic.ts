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
  /** A publication to the engine, and one from it. All of that is the primary's. */
  readonly backplaneOutMicros: number;
  readonly backplaneInMicros: number;
}

/** A machine, and how much of it is to be used. */
export interface NodeSpec {
  readonly cores: number;
  readonly memoryBytes: number;
  readonly gigabitsPerSecond: number;
  /** How many descriptors a process may have. */
  readonly descriptors: number;
  /** Each of the following is a part, 0 to 1, that ordinary load may take. */
  readonly memoryShare: number;
  readonly cpuShare: number;
  /** Of the primary, which is one thread. */
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
  /** Whether the balancer brings the members of a topic to one node, or anywhere. */
  readonly placement: 'together' | 'anywhere';
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
export const RESOURCES = ['memory', 'CPU', 'the primary', 'network', 'descriptors'] as const;
export type Resource = (typeof RESOURCES)[number];

/** Each resource as a part of what may be used of it: above 1, it is not enough. */
export type Use = Readonly<Record<Resource, number>>;

export interface Fleet {
  /** Nodes that carry the load; one more is the reserve for the death of a node. Undefined if no number is enough. */
  readonly nodes: number | undefined;
  /** The use of each node while one is missing: with `nodes` of them. With the largest number that was tried if none is enough. */
  readonly use: Use;
  /** What gives out first. */
  readonly first: Resource;
  readonly connectionsPerNode: number;
  readonly engine: EngineLoad;
}

export interface EngineLoad {
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly gigabitsOut: number;
  /** Of all nodes together. */
  readonly subscriptions: number;
  /** How many engines (shards) that is. 0: none is needed. */
  readonly shards: number;
}

const MICROS = 1e-6;
/** Beyond that, no number of nodes is looked for. */
export const MOST_NODES = 1000;

/** The parts (shards, threads, nodes) of `parts` that have at least one of `members` which are anywhere. */
export function partsWith(members: number, parts: number): number {
  return parts * -Math.expm1(members * Math.log1p(-1 / parts));
}

/** The connections that wsloom takes by default with so many descriptors. */
export function connectionsOf(descriptors: number): number {
  return Math.floor(((descriptors - 256) * 8) / 9);
}

/** The use of each of `nodes` that share a load equally. */
export function useOf(nodes: number, load: Workload, node: NodeSpec, costs: Costs): Use {
  const { connections, publicationsPerSecond: publications, membersPerTopic: members } = load;
  const reached = nodesReached(nodes, load);
  const threads = threadsReached(nodes, load, node);
  const handshakes = connections / load.lifetimeSeconds;
  const pings = connections / load.heartbeatSeconds;
  const isFleet = nodes > 1;
  const primaryMicros =
    handshakes * costs.handshakePrimaryMicros +
    (isFleet ? publications * (costs.backplaneOutMicros + reached * costs.backplaneInMicros) : 0);
  const workerMicros =
    handshakes * costs.handshakeWorkerMicros +
    pings * costs.heartbeatMicros +
    publications *
      (costs.publicationMicros +
        threads * costs.crossingMicros +
        members * (costs.deliveryMicros + load.publicationBytes * costs.deliveryMicrosPerByte));
  const memory =
    connections * (costs.serverBytesPerConnection + costs.kernelBytesPerConnection + load.applicationBytes);
  return {
    memory: memory / nodes / (node.memoryBytes * node.memoryShare),
    CPU: ((primaryMicros + workerMicros) * MICROS) / nodes / (node.cores * node.cpuShare),
    'the primary': (primaryMicros * MICROS) / nodes / node.primaryShare,
    network: bitsPerSecond(nodes, load) / nodes / (node.gigabitsPerSecond * 1e9 * node.networkShare),
    descriptors: connections / nodes / connectionsOf(node.descriptors),
  };
}

/** Both ways of a network card are as fast as each other, and do not share: the busier one counts. */
function bitsPerSecond(nodes: number, load: Workload): number {
  const { connections, publicationsPerSecond: publications, publicationBytes: bytes } = load;
  const deliveries = publications * load.membersPerTopic;
  const acknowledgement = onWire(0);
  const pings = connections / load.heartbeatSeconds;
  const handshakes = (connections / load.lifetimeSeconds) * load.handshakeBytes;
  const throughEngine = nodes > 1 ? publications * onWire(bytes + ENGINE_HEADER_BYTES) : 0;
  const out = deliveries * onWire(frameHeaderBytes(bytes) + bytes) + publications * acknowledgement;
  const into = publications * onWire(frameHeaderBytes(bytes) + FRAME_MASK_BYTES + bytes) + deliveries * acknowledgement;
  const both = pings * onWire(frameHeaderBytes(0) + FRAME_MASK_BYTES) + handshakes;
  return 8 * (both + Math.max(out + throughEngine, into + throughEngine * nodesReached(nodes, load)));
}

/** Subject or channel, and the header of the fleet's format: about. */
const ENGINE_HEADER_BYTES = 100;

/** How many nodes have subscribers of a topic, on average. */
export function nodesReached(nodes: number, { placement, membersPerTopic }: Workload): number {
  return placement === 'together' ? 1 : partsWith(membersPerTopic, nodes);
}

function threadsReached(nodes: number, { placement, membersPerTopic }: Workload, { cores }: NodeSpec): number {
  return partsWith(membersPerTopic, placement === 'together' ? cores : cores * nodes);
}

/** The smallest fleet that carries a load. */
export function fleetFor(load: Workload, node: NodeSpec, costs: Costs, engine: EngineSpec): Fleet {
  for (let nodes = 1; nodes <= MOST_NODES; nodes++) {
    const use = useOf(nodes, load, node, costs);
    if (RESOURCES.every((resource) => use[resource] <= 1)) return fleetOf(nodes, use, load, engine);
  }
  const use = useOf(MOST_NODES, load, node, costs);
  return { ...fleetOf(MOST_NODES, use, load, engine), nodes: undefined };
}

function fleetOf(nodes: number, use: Use, load: Workload, engine: EngineSpec): Fleet {
  return {
    nodes,
    use,
    first: RESOURCES.reduce((most, resource) => (use[resource] > use[most] ? resource : most)),
    connectionsPerNode: load.connections / nodes,
    // The reserve is there on ordinary days: it subscribes too.
    engine: engineLoad(nodes + 1, load, engine),
  };
}

/** What the nodes of a fleet bring to the engines, and take from them. */
export function engineLoad(nodes: number, load: Workload, engine: EngineSpec): EngineLoad {
  const { publicationsPerSecond: publications, topics, publicationBytes } = load;
  const reached = nodesReached(nodes, load);
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
    subscriptions: topics * reached,
    shards: Math.ceil(most),
  };
}
