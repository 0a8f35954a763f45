import { fileURLToPath } from 'node:url';
import { bound } from './machine.js';
import { compile, run } from './native-program.js';
import { BENCH, COMPILED } from './paths.js';

/** What is published, to whom. */
export interface FanoutLoad {
  /** The size of a message. */
  readonly bytes: number;
  readonly topics: number;
  /** Each has one topic. All topics have as many, and all processes. */
  readonly subscribers: number;
  readonly pace: Pace;
}

/** When the next publication leaves: when all subscribers have an earlier one, or at fixed times. */
export type Pace = { readonly underWay: number } | { readonly perSecond: number };

/** The processes that a load runs against. */
export interface FanoutTarget {
  readonly dialect: Dialect;
  /** Of all servers at 127.0.0.1. The publisher is connected to the first. */
  readonly ports: readonly number[];
  readonly serverPids: readonly number[];
  /** The process that connects the servers, if there are several. */
  readonly enginePid: number | undefined;
}

/** How clients talk to the servers: a topic is a path and messages are as they are, or as Socket.IO has it. */
export type Dialect = 'plain' | 'socket.io';

/** How long a load runs, and where. */
export interface FanoutTurn {
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** The core of the load program; undefined for all cores. */
  readonly core: number | undefined;
}

/** The figures of one load. */
export interface FanoutSample {
  readonly publicationsPerSecond: number;
  readonly deliveriesPerSecond: number;
  /** From a publication until a subscriber has it, subscribers of the publisher's process only. */
  readonly own: Delays;
  /** The same, of the other processes; undefined if there is only one. */
  readonly across: Delays | undefined;
  /** The CPU use of all servers and the engine: 1 is one core. */
  readonly cpu: number;
  /** The CPU time for each delivery, of all servers together. */
  readonly serverMicros: number;
  /** The same of the engine; 0 if there is none. */
  readonly engineMicros: number;
  /** The CPU use of the load program. */
  readonly clientCpu: number;
}

/** The figures of one load, and what the first thread of each server took: of wsloom, the primary. */
export interface FanoutRun extends FanoutSample {
  /** The CPU time of that thread for each publication, in the order of the servers. */
  readonly firstThreadMicros: readonly number[];
}

export interface Delays {
  readonly p50Micros: number;
  readonly p99Micros: number;
}

const SOURCE = fileURLToPath(new URL('fanout.cpp', BENCH));
const BINARY = fileURLToPath(new URL('fanout', COMPILED));

/**
 * Compiles the program that publishes, if it is not compiled yet.
 * @throws if there is no compiler ($CXX, or g++), or it fails: the program is written for Linux.
 */
export async function buildFanout(): Promise<void> {
  await compile(SOURCE, BINARY, []);
}

/** Publishes to servers, and measures. @throws if that fails, or if a single delivery was wrong or is missing: it is no figure then */
export async function fanout(target: FanoutTarget, load: FanoutLoad, turn: FanoutTurn): Promise<FanoutRun> {
  const { said, complaints } = await run(bound([BINARY, ...argumentsOf(target, load, turn)], turn.core));
  if (said === '') throw new Error(complaints.trim());
  return fanoutSampleOf(said, complaints, target);
}

/** The command line of fanout.cpp. */
export function argumentsOf(
  { dialect, ports, serverPids, enginePid }: FanoutTarget,
  { bytes, topics, subscribers, pace }: FanoutLoad,
  { seconds, warmUpSeconds }: FanoutTurn,
): string[] {
  const pids = [...serverPids, ...(enginePid === undefined ? [] : [enginePid])];
  const leaves = 'underWay' in pace ? ['window', pace.underWay] : ['rate', pace.perSecond];
  return [
    `--warmup=${warmUpSeconds}`,
    `--pids=${pids.join(',')}`,
    dialect,
    ports.join(','),
    ...[subscribers, bytes, topics, ...leaves, seconds].map(String),
  ];
}

interface Line {
  readonly seconds: number;
  readonly publications: number;
  readonly deliveries: number;
  readonly near: LineDelays;
  readonly far: LineDelays;
  /** Of each process, in the order that they were given in. */
  readonly cpu_s: readonly number[];
  readonly first_thread_s: readonly number[];
  readonly client_cpu_s: number;
  readonly errors: number;
  readonly lost: number;
  readonly connections_lost: number;
}

interface LineDelays {
  readonly deliveries: number;
  readonly p50_us: number;
  readonly p99_us: number;
}

/**
 * Reads the line that fanout.cpp prints.
 * @param complaints what it has said on stderr
 * @throws if something was wrong or is missing, or nothing came at all
 */
export function fanoutSampleOf(
  line: string,
  complaints: string,
  { serverPids, ports }: Pick<FanoutTarget, 'serverPids' | 'ports'>,
): FanoutRun {
  const figures = JSON.parse(line) as Line;
  const { seconds, publications, deliveries, near, far, cpu_s: cpu, errors, lost, connections_lost: gone } = figures;
  const firstThreads = figures.first_thread_s.slice(0, serverPids.length);
  if (errors + lost + gone > 0) {
    const found = `${errors} errors, ${lost} deliveries missing, ${gone} connections lost`;
    throw new Error([found, complaints.trim().split('\n')[0]].filter((part) => part !== '').join(': '));
  }
  if (near.deliveries === 0 || (ports.length > 1 && far.deliveries === 0)) throw new Error('nothing was delivered');
  const serverSeconds = sum(cpu.slice(0, serverPids.length));
  const engineSeconds = sum(cpu.slice(serverPids.length));
  return {
    publicationsPerSecond: publications / seconds,
    deliveriesPerSecond: deliveries / seconds,
    own: delaysOf(near),
    across: ports.length > 1 ? delaysOf(far) : undefined,
    cpu: (serverSeconds + engineSeconds) / seconds,
    serverMicros: (serverSeconds * 1e6) / deliveries,
    firstThreadMicros: firstThreads.map((taken) => (taken * 1e6) / publications),
    engineMicros: (engineSeconds * 1e6) / deliveries,
    clientCpu: figures.client_cpu_s / seconds,
  };
}

function delaysOf({ p50_us, p99_us }: LineDelays): Delays {
  return { p50Micros: p50_us, p99Micros: p99_us };
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
