import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Command } from '../cli/command.js';
import { arePeersRequired, pathOf } from '../e2e/installed.js';
import { until } from '../e2e/serving.js';
import { answers, freePort } from '../ports.js';

/** The programs of engines that tests start. */
export type EngineName = 'nats-server' | 'redis-server';

/** Whether a program is installed. Where it has to be, it throws if it is not. */
export function isInstalled(name: EngineName): boolean {
  if (pathOf(name) !== undefined) return true;
  if (arePeersRequired) throw new Error(`${name} is not installed`);
  return false;
}

const CONFIGURATION = 'engine.conf';

/** How an engine is started beside what all of them have. */
export interface EngineSettings {
  /** Lines of the configuration of the engine, in which `PORT` stands for where it listens. */
  readonly lines?: readonly string[];
  /** Where it listens, for one that is started again; by default on a free port. */
  readonly port?: number;
}

/** An engine on a port of its own, which keeps nothing. It is ended at the end of the block that it was started in. */
export class Engine implements AsyncDisposable {
  readonly port: number;
  readonly address: string;
  readonly #command: Command;
  readonly #folder: string;

  private constructor(port: number, command: Command, folder: string) {
    this.port = port;
    this.address = `127.0.0.1:${port}`;
    this.#command = command;
    this.#folder = folder;
  }

  static async nats({ lines = [], port }: EngineSettings = {}): Promise<Engine> {
    return Engine.#start('nats-server', port ?? (await freePort()), () => ['listen: "127.0.0.1:PORT"', ...lines]);
  }

  /** For TLS, `tls-port PORT` stands in the lines. */
  static async redis({ lines = [], port }: EngineSettings = {}): Promise<Engine> {
    return Engine.#start('redis-server', port ?? (await freePort()), () => [
      ...['bind 127.0.0.1', 'save ""', 'appendonly no', 'loglevel warning', 'daemonize no'],
      ...(lines.some((line) => line.startsWith('tls-port')) ? ['port 0'] : ['port PORT']),
      ...lines,
    ]);
  }

  static async #start(name: EngineName, port: number, configuration: () => readonly string[]) {
    const folder = mkdtempSync(join(tmpdir(), `wsloom-${name}-`));
    const file = join(folder, CONFIGURATION);
    writeFileSync(file, `${configuration().join('\n').replaceAll('PORT', String(port))}\n`);
    const args = name === 'nats-server' ? ['-c', file] : [file, '--dir', folder];
    const command = new Command(pathOf(name) as string, args, { cwd: folder });
    const engine = new Engine(port, command, folder);
    let hasEnded = false;
    void command.ended.then(() => {
      hasEnded = true;
    });
    await until(async () => hasEnded || (await answers(port)));
    expect(hasEnded, command.stdout + command.stderr).toBe(false);
    return engine;
  }

  /** What it has said. */
  get said(): string {
    return this.#command.stdout + this.#command.stderr;
  }

  /** Stops it, as it is: its sockets stay open. */
  async freeze(): Promise<void> {
    const { process: engine } = this.#command;
    engine.kill('SIGSTOP');
    // Signals arrive when they like: until then it would still answer. `T` is stopped.
    await until(async () => / T /.test(readFileSync(`/proc/${engine.pid}/stat`, 'latin1').replace(/^.*\)/, '')));
  }

  /** Gives NATS another configuration, which it reads while it runs. */
  reconfigure(lines: readonly string[]): void {
    writeFileSync(join(this.#folder, CONFIGURATION), [`listen: "${this.address}"`, ...lines, ''].join('\n'));
    this.#command.process.kill('SIGHUP');
  }

  /** Lets it go on. */
  thaw(): void {
    this.#command.process.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    await this.#command[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Engines that are ended together, at the end of the block that this was made in. */
export class Engines implements AsyncDisposable {
  readonly #running: Engine[] = [];

  add(engine: Engine): Engine {
    this.#running.push(engine);
    return engine;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const engine of this.#running) await engine[Symbol.asyncDispose]();
  }
}
