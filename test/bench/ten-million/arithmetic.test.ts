import { describe, expect, it } from 'vitest';
import {
  type Costs,
  connectionsOf,
  type EngineSpec,
  engineLoad,
  fleetFor,
  type NodeSpec,
  type Nodes,
  partsWith,
  useOf,
  type Workload,
  workersOf,
} from '../../../bench/ten-million/arithmetic.js';
import { frameHeaderBytes, onWire } from '../../../bench/ten-million/wire.js';

const COSTS: Costs = {
  serverBytesPerConnection: 6000,
  kernelBytesPerConnection: 3000,
  handshakePrimaryMicros: 20,
  handshakeWorkerMicros: 80,
  heartbeatMicros: 10,
  publicationMicros: 5,
  deliveryMicros: 2,
  deliveryMicrosPerByte: 0.01,
  crossingMicros: 3,
  backplaneOutMicros: 10,
  backplaneInMicros: 20,
};

const NODE: NodeSpec = {
  cores: 10,
  mostProcesses: 1,
  memoryBytes: 20e9,
  gigabitsPerSecond: 10,
  descriptors: 9_000_256,
  memoryShare: 0.5,
  cpuShare: 0.5,
  primaryShare: 0.5,
  networkShare: 0.5,
};

/** So many nodes with one process each. */
const single = (count: number) => ({ count, processes: 1 });

const ENGINE: EngineSpec = { messagesPerSecond: 100_000, gigabitsPerSecond: 10, share: 0.5 };

const IDLE: Workload = {
  name: 'idle',
  connections: 1_000_000,
  lifetimeSeconds: 1000,
  heartbeatSeconds: 25,
  applicationBytes: 1000,
  publicationsPerSecond: 0,
  publicationBytes: 100,
  topics: 0,
  membersPerTopic: 0,
  placement: 'together',
  hasEngine: false,
  handshakeBytes: 1000,
};

describe('what a message is on the network', () => {
  it('is a frame with the header that RFC 6455 gives it', () => {
    expect([0, 125, 126, 65535, 65536].map(frameHeaderBytes)).toEqual([2, 2, 4, 4, 10]);
  });

  it('is a packet more for each 1448 bytes, with 90 bytes of headers', () => {
    expect([0, 1, 1448, 1449, 2896].map(onWire)).toEqual([90, 91, 1538, 1629, 3076]);
  });
});

describe('members that are anywhere', () => {
  it('are in one of one, and in about as many parts as they are if there are very many parts', () => {
    expect(partsWith(100, 1)).toBe(1);
    expect(partsWith(0, 7)).toBe(0);
    expect(partsWith(1, 7)).toBeCloseTo(1);
    expect(partsWith(2, 2)).toBeCloseTo(1.5);
    expect(partsWith(100, 1e9)).toBeCloseTo(100, 3);
    expect(partsWith(1e9, 64)).toBeCloseTo(64);
  });
});

describe('the use of a node', () => {
  it('by idle connections is their memory, their heartbeats, and that they connect anew', () => {
    const { memory, CPU, primaries, descriptors, network } = useOf(single(1), IDLE, NODE, COSTS);
    expect(memory).toBeCloseTo((1e6 * 10_000) / 10e9);
    // 1000 handshakes of 100 µs, and 40 000 pings of 10 µs: half a core, of five.
    expect(CPU).toBeCloseTo(0.1);
    expect(primaries).toBeCloseTo((1000 * 20e-6) / 0.5);
    expect(descriptors).toBeCloseTo(1e6 / 8e6);
    expect(network).toBeCloseTo(((40_000 * (6 + 90) + 1000 * 1000) * 8) / 5e9);
  });

  it('is shared by the nodes', () => {
    const one = useOf(single(1), IDLE, NODE, COSTS);
    const four = useOf(single(4), IDLE, NODE, COSTS);
    for (const [name, part] of Object.entries(four)) expect(part).toBeCloseTo(one[name as keyof typeof one] / 4);
  });

  const rooms = { ...IDLE, publicationsPerSecond: 1000, membersPerTopic: 50, topics: 20_000 };

  it('by rooms that are in one process each is publications, threads and deliveries', () => {
    const { CPU } = useOf(single(1), rooms, NODE, COSTS);
    const threads = 9 * (1 - (8 / 9) ** 50);
    // The first of 50 deliveries is in what the publication takes.
    expect(CPU).toBeCloseTo(0.1 + (1000 * (5 + 3 * threads + 49 * 3) * 1e-6) / 5);
  });

  it('has the engine in it as soon as there are two processes, which is the work of primaries', () => {
    const load = (nodes: Nodes, options: Partial<Workload>) =>
      useOf(nodes, { ...rooms, ...options }, NODE, COSTS).primaries * 0.5 * nodes.count * nodes.processes - 0.02;
    expect(load(single(1), { hasEngine: true })).toBeCloseTo(0);
    expect(load(single(2), { hasEngine: true })).toBeCloseTo(1000 * 10e-6);
    expect(load({ count: 1, processes: 2 }, { hasEngine: true })).toBeCloseTo(1000 * 10e-6);
    const anywhere = { hasEngine: true, placement: 'anywhere' } as const;
    // The process of the publisher has it already.
    const reached = 1000 * (10 + 20 * (partsWith(50, 10) - 1)) * 1e-6;
    expect(load(single(10), anywhere)).toBeCloseTo(reached);
    expect(load({ count: 5, processes: 2 }, anywhere)).toBeCloseTo(reached);
  });

  it('has no engine in it where nothing has to cross', () => {
    expect(useOf(single(5), rooms, NODE, COSTS).primaries).toBeCloseTo((1000 * 20e-6) / 0.5 / 5);
    expect(useOf(single(5), rooms, NODE, COSTS).network).toBeLessThan(
      useOf(single(5), { ...rooms, hasEngine: true }, NODE, COSTS).network,
    );
  });

  it('with several processes has as many primaries and as many times the descriptors, and the same memory', () => {
    const [one, four] = [1, 4].map((processes) => useOf({ count: 2, processes }, IDLE, NODE, COSTS));
    expect(four?.primaries).toBeCloseTo((one?.primaries ?? 0) / 4);
    expect(four?.descriptors).toBeCloseTo((one?.descriptors ?? 0) / 4);
    expect(four?.memory).toBe(one?.memory);
    expect(four?.CPU).toBe(one?.CPU);
  });

  it('has a core for each primary, and a worker on each of the others', () => {
    expect([1, 4, 5, 9, 12].map((processes) => workersOf(NODE, processes))).toEqual([9, 6, 5, 9, 12]);
  });

  it('of the network is the busier of both ways', () => {
    const { network } = useOf(single(1), { ...rooms, heartbeatSeconds: 1e12, lifetimeSeconds: 1e12 }, NODE, COSTS);
    expect(network).toBeCloseTo((8 * (50_000 * onWire(102) + 1000 * 90)) / 5e9);
  });
});

describe('a fleet', () => {
  it('is as small as what gives out first allows', () => {
    const { nodes, first, use, connectionsPerProcess } = fleetFor({ ...IDLE, connections: 7e6 }, NODE, COSTS, ENGINE);
    expect({ nodes, first, connectionsPerProcess }).toEqual({ nodes: 7, first: 'memory', connectionsPerProcess: 1e6 });
    expect(Math.max(...Object.values(use))).toBeLessThanOrEqual(1);
    expect(useOf(single(6), { ...IDLE, connections: 7e6 }, NODE, COSTS).memory).toBeGreaterThan(1);
  });

  it.each([
    ['descriptors', { ...NODE, descriptors: 9256 }, IDLE],
    ['CPU', NODE, { ...IDLE, heartbeatSeconds: 1 }],
    ['primaries', { ...NODE, cores: 100 }, { ...IDLE, lifetimeSeconds: 10 }],
    ['network', { ...NODE, gigabitsPerSecond: 0.01 }, IDLE],
  ] as const)('may have too little of %s first', (resource, node, load) => {
    expect(fleetFor(load, node, COSTS, ENGINE).first).toBe(resource);
  });

  it('has as few nodes as can be, and then as few processes on each', () => {
    const narrow = { ...NODE, descriptors: 256 + 450_000, mostProcesses: 5 };
    // 400 000 connections by descriptors, a million by memory.
    expect(fleetFor({ ...IDLE, connections: 2e6 }, narrow, COSTS, ENGINE)).toMatchObject({ nodes: 2, processes: 3 });
    expect(fleetFor({ ...IDLE, connections: 2e6 }, { ...narrow, mostProcesses: 2 }, COSTS, ENGINE)).toMatchObject({
      nodes: 3,
      processes: 2,
      first: 'descriptors',
    });
  });

  it('is not found if more nodes do not help', () => {
    const load: Workload = {
      ...IDLE,
      publicationsPerSecond: 1e6,
      membersPerTopic: 1e6,
      placement: 'anywhere',
      hasEngine: true,
    };
    const { nodes, first } = fleetFor(load, NODE, { ...COSTS, deliveryMicros: 0, deliveryMicrosPerByte: 0 }, ENGINE);
    expect(nodes).toBeUndefined();
    expect(first).toBe('network');
  });
});

describe('the engine', () => {
  const load: Workload = {
    ...IDLE,
    publicationsPerSecond: 20_000,
    membersPerTopic: 1000,
    topics: 500,
    placement: 'anywhere',
    hasEngine: true,
  };

  it('carries each publication in once, and out to each process that has members', () => {
    const { messagesIn, messagesOut, subscriptions, shards, gigabitsOut } = engineLoad(4, load, ENGINE);
    expect(messagesIn).toBe(20_000);
    expect(messagesOut).toBeCloseTo(80_000);
    expect(subscriptions).toBeCloseTo(2000);
    expect(shards).toBe(2);
    expect(gigabitsOut).toBeCloseTo((80_000 * onWire(200) * 8) / 1e9);
  });

  it('is none where nothing is published, or nothing has to cross', () => {
    const nothing = { messagesIn: 0, messagesOut: 0, gigabitsOut: 0, subscriptions: 0, shards: 0 };
    expect(engineLoad(4, IDLE, ENGINE)).toEqual(nothing);
    expect(engineLoad(4, { ...load, hasEngine: false }, ENGINE)).toEqual(nothing);
    expect(engineLoad(1, load, ENGINE)).toEqual(nothing);
  });
});

describe('the connections of a server', () => {
  it('are 8/9 of its descriptors above 256', () => {
    expect(connectionsOf(256 + 9000)).toBe(8000);
  });
});
