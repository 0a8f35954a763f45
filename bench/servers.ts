import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mode } from './cases.js';
import { end, launch } from './children.js';
import type { Contestant } from './contestants.js';
import { bound } from './machine.js';

const START_MS = 10_000;

/** The load that a server is started for. */
export interface Purpose {
  readonly mode: Mode;
  /** The size of every message. */
  readonly bytes: number;
  /** The core of the server; undefined for all cores. */
  readonly core: number | undefined;
}

/** A server that listens on a port of 127.0.0.1. */
export class RunningServer {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  /** Whether it speaks TLS. */
  readonly isSecure: boolean;
  /** Whether it compresses if a client offers that. */
  readonly compresses: boolean;
  readonly #child: ChildProcess;

  constructor(
    { name, isSecure = false, compresses = false }: Contestant,
    port: number,
    pid: number,
    child: ChildProcess,
  ) {
    this.name = name;
    this.isSecure = isSecure;
    this.compresses = compresses;
    this.port = port;
    this.pid = pid;
    this.#child = child;
  }

  /** Memory that it has touched, in bytes. */
  residentBytes(): number {
    const [, kib = ''] = /^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8')) ?? [];
    return Number(kib) * 1024;
  }

  async stop(): Promise<void> {
    await end(this.#child);
  }
}

/**
 * Starts a server, and waits until it listens.
 * @throws if it does not, with its output.
 */
export async function start(contestant: Contestant, { mode, bytes, core }: Purpose): Promise<RunningServer> {
  const { name } = contestant;
  const givenPort = contestant.isSilent === true ? await freePort() : 0;
  const child = launch(bound(contestant.command(givenPort, mode, bytes), core), { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const hear = (chunk: Buffer) => {
    if (said.length < 4096) said += chunk.toString();
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  let failure: string | undefined;
  child.once('error', (error) => {
    failure = error.message;
  });
  for (const deadline = performance.now() + START_MS; performance.now() < deadline; await sleep(20)) {
    if (child.exitCode !== null || child.signalCode !== null) failure = `it ended: ${said.trim()}`;
    if (failure !== undefined) throw new Error(`${name} does not start: ${failure}`);
    const port = contestant.isSilent === true ? await listeningPort(givenPort) : saidPort(said);
    if (port !== undefined && child.pid !== undefined) return new RunningServer(contestant, port, child.pid, child);
  }
  await end(child);
  throw new Error(`${name} does not listen after ${START_MS / 1000} s: ${said.trim()}`);
}

function saidPort(said: string): number | undefined {
  const [, port] = /listening on \S+:(\d+)/.exec(said) ?? [];
  return port === undefined ? undefined : Number(port);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function listeningPort(port: number): Promise<number | undefined> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return port;
  } catch {
    return undefined; // not yet
  } finally {
    socket.destroy();
  }
}
