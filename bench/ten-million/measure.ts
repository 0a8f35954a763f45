/** Measures what docs/ten-million.md rests on: one figure a function. A server has one core with all of its threads, its load another. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Case, echo } from '../cases.js';
import { type Contestant, secureWsloom, wsloom } from '../contestants.js';
import { hold, load, open } from '../loadgen.js';
import type { Pinning } from '../machine.js';
import { waitForClosing } from '../sections/openings.js';
import { STREAM } from '../sections/storms.js';
import { type RunningServer, start } from '../servers.js';
import type { Handshake, HandshakeFigure, MemoryFigure } from './figures-file.js';
import { cpuSecondsOf, descriptorsOf, slabBytes } from './proc.js';

export interface Measuring {
  readonly cores: Pinning | undefined;
  /** How long a load is measured, and how long it runs before, in seconds. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

const plain = (threads = 1, flags: readonly string[] = []) => wsloom(threads, 'wsloom', flags);
const secure = () => secureWsloom(plain());
/** A moment for timers, garbage and the kernel, after connections were opened or closed. */
const SETTLING_MS = 1000;

/** A topic with so many subscribers. One more connection publishes. */
export function topicOf(subscribers: number, bytes: number): Case {
  return { ...echo(subscribers, bytes, 1), name: `${subscribers} subscribers`, mode: 'broadcast' };
}

/** The CPU time of the server for an echo, in microseconds. */
export function echoMicros(measuring: Measuring, connections: number, bytes: number): Promise<number> {
  return micros(measuring, plain(), echo(connections, bytes, 1));
}

/** For a message to one of the subscribers of a topic. */
export function deliveryMicros(measuring: Measuring, kind: Case, isSecure: boolean): Promise<number> {
  return micros(measuring, isSecure ? secure() : plain(), kind);
}

/** For a publication to a topic with one subscriber, with so many threads, while so many publications are under way. */
export function publicationMicros(
  measuring: Measuring,
  bytes: number,
  threads: number,
  underWay: number,
): Promise<number> {
  return micros(measuring, plain(threads), { ...topicOf(1, bytes), inFlight: underWay });
}

async function micros(measuring: Measuring, contestant: Contestant, kind: Case): Promise<number> {
  const { seconds, warmUpSeconds, cores } = measuring;
  return await withServer(measuring, contestant, kind, async (server) => {
    const { microsPerMessage, errors } = await load(server, kind, { seconds, warmUpSeconds, core: cores?.client });
    if (errors > 0) throw new Error(`${errors} errors`);
    return microsPerMessage;
  });
}

/** The memory of idle connections: of the server, and of the kernel. */
export async function memory(measuring: Measuring, connections: number, isSecure: boolean): Promise<MemoryFigure> {
  const kind = echo(connections, 20, 1);
  return await withServer(measuring, isSecure ? secure() : plain(), kind, async (server) => {
    const core = measuring.cores?.client;
    await hold(server, { connections: FIRST_CONNECTIONS, seconds: 0.5, core });
    await sleep(SETTLING_MS);
    const descriptors = descriptorsOf(server.pid);
    const before = { server: server.residentBytes(), kernel: slabBytes() };
    const held = hold(server, { connections, seconds: HOLD_SECONDS, core });
    try {
      await until(() => descriptorsOf(server.pid) - descriptors >= connections);
      await sleep((HOLD_SECONDS * 1000) / 2);
      return {
        isSecure,
        connections,
        serverBytes: (server.residentBytes() - before.server) / connections,
        kernelBytes: (slabBytes() - before.kernel) / (2 * connections),
      };
    } finally {
      await held;
    }
  });
}

/** Opened and closed before the measurement, so that memory and code that are made once do not count. */
const FIRST_CONNECTIONS = 200;
const HOLD_SECONDS = 4;
const OPENING_MS = 60_000;

async function until(isSo: () => boolean): Promise<void> {
  for (const deadline = performance.now() + OPENING_MS; !isSo(); await sleep(50))
    if (performance.now() > deadline) throw new Error('the connections are not open after a minute');
}

/** What it takes to open connections, many of them under way at a time. */
export async function handshake(measuring: Measuring, kind: Handshake, connections: number): Promise<HandshakeFigure> {
  const isSecure = kind === 'tls' || kind === 'tls resumed';
  const thread = kind === 'plain, in workers' ? 'worker' : 'primary';
  const contestant = isSecure ? secure() : plain(1, ['--handshake', thread]);
  return await withServer(measuring, contestant, echo(1, 20, 1), async (server) => {
    const turn = {
      connections,
      atOnce: isSecure ? SECURE_STREAM : STREAM,
      resumes: kind === 'tls resumed',
      core: measuring.cores?.client,
    };
    await open(server, turn);
    await waitForClosing();
    const { cpuSeconds, firstThreadSeconds } = await open(server, turn);
    return { kind, micros: (cpuSeconds / connections) * 1e6, primaryShare: firstThreadSeconds / cpuSeconds };
  });
}

const SECURE_STREAM = 100;

/** The CPU time of the server for a ping and its pong, while connections are silent. */
export async function heartbeatMicros(measuring: Measuring, connections: number): Promise<number> {
  const contestant = plain(1, ['--heartbeat', '1']);
  return await withServer(measuring, contestant, echo(connections, 20, 1), async (server) => {
    const core = measuring.cores?.client;
    // The pings of the longer time, less those of the shorter one, are those of a time without a beginning.
    const [short, long] = [3, 8];
    const first = await hold(server, { connections, seconds: short, core });
    await waitForClosing();
    const descriptors = descriptorsOf(server.pid);
    const held = hold(server, { connections, seconds: long, core });
    await until(() => descriptorsOf(server.pid) - descriptors >= connections);
    await sleep(SETTLING_MS * 2);
    const before = { time: performance.now(), cpu: cpuSecondsOf(server.pid) };
    await sleep((long - short) * 1000 - SETTLING_MS);
    const cpu = (cpuSecondsOf(server.pid) - before.cpu) / ((performance.now() - before.time) / 1000);
    const pingsPerSecond = ((await held) - first) / (long - short);
    return (cpu / pingsPerSecond) * 1e6;
  });
}

async function withServer<Figure>(
  { cores }: Measuring,
  contestant: Contestant,
  { mode, bytes }: Case,
  measure: (server: RunningServer) => Promise<Figure>,
): Promise<Figure> {
  const server = await start(contestant, { mode, bytes, core: cores?.server });
  try {
    return await measure(server);
  } finally {
    await server.stop();
  }
}
