import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { ServerStats } from '../../dist/index.js';
import type { Answer, Measured, Ready, Request } from './protocol.js';

/** The process of the servers, as seen from that of the clients. */
export class Service {
  readonly process: ChildProcess;
  readonly ready: Ready;
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  #requests = 0;

  private constructor(child: ChildProcess, ready: Ready) {
    this.process = child;
    this.ready = ready;
    child.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.error === undefined) waiting?.resolve(answer);
      else waiting?.reject(new Error(answer.error));
    });
    child.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) {
        reject(new Error(`the process of the servers has ended: ${code ?? signal}`));
      }
      this.#waiting.clear();
    });
  }

  static async start(): Promise<Service> {
    const child = fork(new URL('./servers.js', import.meta.url), { execArgv: ['--expose-gc'] });
    const failed = once(child, 'exit').then(([code]) => {
      throw new Error(`the servers did not start: ${code}`);
    });
    failed.catch(() => {}); // only matters to the race
    const [ready] = await Promise.race([once(child, 'message'), failed]);
    return new Service(child, ready as Ready);
  }

  async stats(): Promise<readonly ServerStats[]> {
    return (await this.#ask('stats')).stats ?? [];
  }

  async measure(): Promise<Measured> {
    return (await this.#ask('measure')).measured as Measured; // that is what it answers to this
  }

  async reload(): Promise<void> {
    await this.#ask('reload');
  }

  /** Stops the servers, and then their process. */
  async close(): Promise<void> {
    await this.#ask('close');
    const ended = once(this.process, 'exit');
    this.process.disconnect();
    await ended;
  }

  #ask(what: Request['what']): Promise<Answer> {
    const id = this.#requests++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.process.send({ id, what } satisfies Request);
    });
  }
}
