import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Contestant, installedVersion, PEERS, wsloom, wsloomCommand } from './contestants.js';
import type { Dialect, FanoutTarget } from './fanout.js';
import { pathOf } from './installed.js';
import { COMPILED, ROOT } from './paths.js';
import { type RunningServer, start } from './servers.js';

/** Servers of one kind that take part together: one process, or several that an engine connects. */
export interface Fleet {
  /** The name of its servers. */
  readonly server: string;
  readonly dialect: Dialect;
  readonly processes: number;
  /** What connects them, and how, as tables say it: `NATS`, `Redis, sharded`; `none` for one process. */
  readonly by: string;
  readonly engine: Engine | undefined;
  /** The command that starts a process that takes a free port, and prints it. @param engineUrl `none` without an engine */
  command(engineUrl: string): readonly string[];
}

/** A program that carries messages from one process to another. */
export interface Engine {
  readonly name: string;
  readonly binary: string;
  /** The command line behind the name of the program. @param folder where it may write what it likes */
  flags(port: number, folder: string): readonly string[];
  url(port: number): string;
}

export const NATS: Engine = {
  name: 'NATS',
  binary: 'nats-server',
  flags: (port) => ['--addr', '127.0.0.1', '--port', String(port)],
  url: (port) => `nats://127.0.0.1:${port}`,
};

/** It writes nothing to a disk. */
export const REDIS: Engine = {
  name: 'Redis',
  binary: 'redis-server',
  flags: (port, folder) => {
    const keepsNothing = ['--save', '', '--appendonly', 'no'];
    return ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, ...keepsNothing];
  },
  url: (port) => `redis://127.0.0.1:${port}`,
};

const ACROSS = 2;

/** wsloom as a fleet: with one thread each, as in the other sections. */
function wsloomBy(engine: Engine | undefined): Fleet {
  const handler = fileURLToPath(new URL('topic-handler.js', COMPILED));
  return {
    server: 'wsloom',
    dialect: 'plain',
    processes: engine === undefined ? 1 : ACROSS,
    by: engine?.name ?? 'none',
    engine,
    command: (engineUrl) => wsloomCommand(handler, 0, 1, engine === undefined ? [] : ['--backplane', engineUrl]),
  };
}

/** The adapters of Socket.IO for Redis, by the name that peers/socket-io.mjs has for them. */
const ADAPTERS = { classic: 'Redis', sharded: 'Redis, sharded' } as const;

function socketIoBy(adapter: keyof typeof ADAPTERS | undefined): Fleet {
  const program = fileURLToPath(new URL('socket-io.mjs', PEERS));
  return {
    server: SOCKET_IO,
    dialect: 'socket.io',
    processes: adapter === undefined ? 1 : ACROSS,
    by: adapter === undefined ? 'none' : ADAPTERS[adapter],
    engine: adapter === undefined ? undefined : REDIS,
    command: (engineUrl) => [
      ...[process.execPath, program, '0'],
      ...(adapter === undefined ? [] : [adapter, engineUrl]),
    ],
  };
}

export const SOCKET_IO = 'Socket.IO';

const FLEETS: readonly Fleet[] = [
  wsloomBy(undefined),
  wsloomBy(NATS),
  wsloomBy(REDIS),
  socketIoBy(undefined),
  socketIoBy('classic'),
  socketIoBy('sharded'),
];

/** Those that can take part here, and why the others cannot. */
export interface Fleets {
  readonly fleets: readonly Fleet[];
  /** Of the servers and engines, by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly missing: readonly string[];
}

/** The packages of Socket.IO, and those that wsloom talks to engines with. */
const SOCKET_IO_PACKAGES = ['socket.io', '@socket.io/redis-adapter', 'redis'];
const CLIENTS = ['@nats-io/transport-node', 'redis'];

/** Finds out which fleets can take part: engines are looked for on the PATH, Socket.IO among the peers. */
export function findFleets(): Fleets {
  const socketIo = SOCKET_IO_PACKAGES.map((name) => [name, installedVersion(name, PEERS)] as const);
  const engines = [NATS, REDIS].map((engine) => [engine, engineVersion(engine)] as const);
  const clients = CLIENTS.map((name) => [name, installedVersion(name, ROOT)] as const);
  const hasSocketIo = socketIo.every(([, version]) => version !== undefined);
  return {
    ...among(FLEETS, {
      hasSocketIo,
      engines: engines.filter(([, version]) => version !== undefined).map(([engine]) => engine),
    }),
    versions: {
      wsloom: versionsText([['', wsloom(1).version], ...clients]),
      ...(hasSocketIo
        ? { [SOCKET_IO]: versionsText(socketIo.map(([name, version], i) => [i === 0 ? '' : name, version])) }
        : {}),
      ...Object.fromEntries(
        engines.flatMap(([{ binary }, version]) => (version === undefined ? [] : [[binary, version]])),
      ),
    },
  };
}

/** `4.8.4 + redis 6.3.1`: what has no version is left out. */
function versionsText(versions: readonly (readonly [name: string, version: string | undefined])[]): string {
  const known = versions.filter(([, version]) => version !== undefined);
  return known.map(([name, version]) => `${name} ${version}`.trim()).join(' + ');
}

/** Those of the fleets that can take part with what there is, and a line for each thing that is missing. */
export function among(
  fleets: readonly Fleet[],
  there: { readonly hasSocketIo: boolean; readonly engines: readonly Engine[] },
): Pick<Fleets, 'fleets' | 'missing'> {
  const lacksEngine = ({ engine }: Fleet) => engine !== undefined && !there.engines.includes(engine);
  const lacksServer = ({ server }: Fleet) => server === SOCKET_IO && !there.hasSocketIo;
  const engines = new Set(fleets.filter(lacksEngine).map(({ engine }) => engine?.binary));
  return {
    fleets: fleets.filter((fleet) => !lacksEngine(fleet) && !lacksServer(fleet)),
    missing: [
      ...(fleets.some(lacksServer) ? [`${SOCKET_IO} is not installed: --peers installs it`] : []),
      ...[...engines].map((binary) => `there is no ${binary} on the PATH`),
    ],
  };
}

function engineVersion({ binary }: Engine): string | undefined {
  const path = pathOf(binary);
  if (path === undefined) return undefined;
  try {
    const [version] = /\d+(\.\d+)+/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' })) ?? [];
    return version ?? 'of unknown version';
  } catch {
    return undefined; // what cannot say its version does not start either
  }
}

/** The processes of a fleet that run, and the engine between them. */
export class RunningFleet {
  readonly target: FanoutTarget;
  readonly #processes: readonly RunningServer[];
  readonly #folder: string;

  private constructor(target: FanoutTarget, processes: readonly RunningServer[], folder: string) {
    this.target = target;
    this.#processes = processes;
    this.#folder = folder;
  }

  /** Starts the engine, and then one process after the other. @param core of all of them; undefined for all cores @throws if one does not start */
  static async start(fleet: Fleet, core: number | undefined): Promise<RunningFleet> {
    const folder = mkdtempSync(join(tmpdir(), 'wsloom-bench-'));
    const processes: RunningServer[] = [];
    const launch = async (contestant: Contestant) => {
      const server = await start(contestant, { mode: 'broadcast', bytes: 0, core });
      processes.push(server);
      return server;
    };
    try {
      const { server: name, engine } = fleet;
      const engineRun = engine === undefined ? undefined : await launch(contestantOf(engine, folder));
      const url = engine === undefined || engineRun === undefined ? 'none' : engine.url(engineRun.port);
      const servers: RunningServer[] = [];
      for (let i = 0; i < fleet.processes; i++) {
        servers.push(await launch({ name, version: '', command: () => fleet.command(url) }));
      }
      const target: FanoutTarget = {
        dialect: fleet.dialect,
        ports: servers.map(({ port }) => port),
        serverPids: servers.map(({ pid }) => pid),
        enginePid: engineRun?.pid,
      };
      return new RunningFleet(target, processes, folder);
    } catch (error) {
      await stop(processes, folder);
      throw error;
    }
  }

  async stop(): Promise<void> {
    await stop(this.#processes, this.#folder);
  }
}

function contestantOf({ name, binary, flags }: Engine, folder: string): Contestant {
  const path = pathOf(binary) ?? binary;
  return { name, version: '', isSilent: true, command: (port) => [path, ...flags(port, folder)] };
}

/** The servers first: they would look for the engine otherwise. */
async function stop(processes: readonly RunningServer[], folder: string): Promise<void> {
  for (const server of [...processes].reverse()) await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
