import { fileURLToPath } from 'node:url';
import type { Case, DeflateLoad } from './cases.js';
import { bound } from './machine.js';
import { writeMessages } from './messages.js';
import { compile, outputOf } from './native-program.js';
import { BENCH, COMPILED } from './paths.js';
import type { RunningServer } from './servers.js';

/** The figures of one turn of a server. */
export interface Sample {
  /** Messages that came back, or that came to subscribers. */
  readonly perSecond: number;
  readonly bytesPerSecond: number;
  /** The bytes of the messages as they came from the server, for each byte of their content: less than 1 if it has compressed them. */
  readonly compressionRatio: number;
  /** The time from a message to its echo, or from a publication until the last subscriber has it. */
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** The CPU use of the server: 1 is one core. */
  readonly cpu: number;
  readonly microsPerMessage: number;
  /** The CPU use of the load generator. */
  readonly clientCpu: number;
  /** Memory of the server at the end. */
  readonly residentBytes: number;
  /** Time to open all connections. */
  readonly connectSeconds: number;
  /** Wrong frames, lost connections, and messages that never came back. */
  readonly errors: number;
}

/** What it took to open connections. */
export interface Opening {
  readonly connections: number;
  /** From the first connection to the last 101. */
  readonly seconds: number;
  /** The CPU time of the server meanwhile. */
  readonly cpuSeconds: number;
  /** The CPU time of its first thread: of wsloom, the primary. */
  readonly firstThreadSeconds: number;
}

/** How connections are opened. */
export interface OpeningTurn {
  readonly connections: number;
  /** How many are under way at a time. */
  readonly atOnce: number;
  /** Whether they resume a TLS session that was made before. */
  readonly resumes: boolean;
  /** The core of the load generator; undefined for all cores. */
  readonly core: number | undefined;
}

/** How a load runs against a server. */
export interface Turn {
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** The core of the load generator; undefined for all cores. */
  readonly core: number | undefined;
}

/** The load generator reads messages from this size on without copying them, except for the first of each connection. */
const DISCARD_FROM_BYTES = 64 * 1024;

const SOURCE = fileURLToPath(new URL('loadgen.cpp', BENCH));
const BINARY = fileURLToPath(new URL('loadgen', COMPILED));
const TLS_BINARY = fileURLToPath(new URL('loadgen-tls', COMPILED));
const DEFLATE_BINARY = fileURLToPath(new URL('loadgen-deflate', COMPILED));

/**
 * Compiles the load generator, if it is not compiled yet.
 * @throws if there is no compiler ($CXX, or g++), or it fails: the load generator is written for Linux.
 */
export async function buildLoadgen(): Promise<void> {
  await compile(SOURCE, BINARY, []);
}

/**
 * Compiles the load generator for servers with TLS, if it is not compiled yet.
 * @throws as {@link buildLoadgen}, or if OpenSSL's headers are not there (libssl-dev)
 */
export async function buildTlsLoadgen(): Promise<void> {
  await compile(SOURCE, TLS_BINARY, ['-DTLS', '-lssl', '-lcrypto']);
}

/**
 * Compiles the load generator that compresses, if it is not compiled yet.
 * @throws as {@link buildLoadgen}, or if zlib's headers are not there (zlib1g-dev)
 */
export async function buildDeflateLoadgen(): Promise<void> {
  await compile(SOURCE, DEFLATE_BINARY, ['-DDEFLATE', '-lz']);
}

/** Runs a load against a server. @throws if that fails, with the message of the load generator. */
export async function load(server: RunningServer, kind: Case, turn: Turn): Promise<Sample> {
  const options = [
    `--pid=${server.pid}`,
    `--warmup=${turn.warmUpSeconds}`,
    `--content=${kind.content === 'binary' ? 'random' : kind.content}`,
    ...(kind.deflate === undefined ? [] : deflateOptions(server, kind.bytes, kind.deflate)),
    ...(server.name === 'floor' ? ['--verify=none'] : []),
    ...(kind.bytes >= DISCARD_FROM_BYTES && !server.isSecure ? ['--trunc'] : []),
    ...(kind.mode === 'broadcast' ? ['broadcast'] : []),
  ];
  const numbers = [kind.connections, kind.bytes, kind.inFlight, turn.seconds].map(String);
  const type = kind.content === 'binary' ? 'binary' : 'text';
  const binary = kind.deflate !== undefined ? DEFLATE_BINARY : binaryFor(server);
  return sampleOf(await outputOf(commandFor(binary, server, options, [...numbers, type], turn.core)));
}

function deflateOptions({ compresses }: RunningServer, bytes: number, load: DeflateLoad): string[] {
  const { hasTakeover, messagesEach } = load;
  return [
    `--messages=${writeMessages(bytes)}`,
    ...(compresses ? [] : ['--plain']),
    ...(hasTakeover ? ['--takeover'] : []),
    ...(messagesEach === undefined ? [] : [`--each=${messagesEach}`]),
  ];
}

function binaryFor({ isSecure }: RunningServer): string {
  return isSecure ? TLS_BINARY : BINARY;
}

/** Opens connections to a server, and closes them. @throws if that fails, with the message of the load generator. */
export async function open(server: RunningServer, turn: OpeningTurn): Promise<Opening> {
  const { connections, atOnce, resumes, core } = turn;
  const options = [`--pid=${server.pid}`, '--warmup=0', `--at-once=${atOnce}`, ...(resumes ? ['--resume'] : [])];
  // Messages of 20 bytes, of which none is sent, and a moment in which all are open.
  const load = [String(connections), '20', '0', '0.1'];
  const opening = openingOf(await outputOf(commandFor(binaryFor(server), server, options, load, core)));
  if (opening.connections < connections) throw new Error(`${connections - opening.connections} connections were lost`);
  return opening;
}

function commandFor(
  binary: string,
  { port }: RunningServer,
  options: readonly string[],
  load: readonly string[],
  core: number | undefined,
): readonly string[] {
  const target = ['127.0.0.1', String(port), '/'];
  return bound([binary, ...options, ...target, ...load], core);
}

/** Reads the line that the load generator prints. */
export function sampleOf(line: string): Sample {
  const figures = JSON.parse(line) as Readonly<Record<string, number | string | undefined>>;
  const { mode, ratio = 1 } = figures;
  const read = (name: string) => Number(figures[name] ?? 0);
  return {
    perSecond: read(mode === 'broadcast' ? 'deliveries_per_s' : 'msgs_per_s'),
    bytesPerSecond: read('MBps') * 1e6,
    compressionRatio: Number(ratio),
    p50Micros: read('p50_us'),
    p99Micros: read('p99_us'),
    cpu: read('server_cpu'),
    microsPerMessage: read('server_us_per_msg'),
    clientCpu: read('client_cpu'),
    residentBytes: read('server_rss_kb') * 1024,
    connectSeconds: read('connect_s'),
    errors: read('errors') + read('lost') + read('conns_lost'),
  };
}

/** Reads from the same line what it took to open the connections. */
export function openingOf(line: string): Opening {
  const figures = JSON.parse(line) as Readonly<Record<string, number | undefined>>;
  const read = (name: string) => figures[name] ?? 0;
  return {
    connections: read('conns') - read('conns_lost'),
    seconds: read('connect_s'),
    cpuSeconds: read('connect_server_s'),
    firstThreadSeconds: read('connect_first_thread_s'),
  };
}

/** Holds connections that send nothing. @returns how many pings have come to them. @throws as {@link load} */
export async function hold(
  server: RunningServer,
  {
    connections,
    seconds,
    core,
  }: { readonly connections: number; readonly seconds: number; readonly core?: number | undefined },
): Promise<number> {
  const numbers = [connections, 20, 0, seconds].map(String);
  const line = await outputOf(commandFor(binaryFor(server), server, ['--warmup=0'], numbers, core));
  const { pings = 0, conns_lost: lost = 0 } = JSON.parse(line) as Readonly<Record<string, number | undefined>>;
  if (lost > 0) throw new Error(`${lost} of ${connections} connections were lost`);
  return pings;
}
