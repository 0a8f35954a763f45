import { expect } from 'vitest';
import { Command } from '../cli/command.js';
import { pathOf } from '../e2e/installed.js';
import { until } from '../e2e/serving.js';
import { answers } from '../ports.js';

/** An nginx with a configuration of its own, which is ended at the end of its block. */
export class RunningNginx implements AsyncDisposable {
  readonly #command: Command;

  private constructor(command: Command) {
    this.#command = command;
  }

  /**
   * @param folder where it runs, with the configuration in it.
   * @param port where it listens, as the configuration says.
   */
  static async start(folder: string, file: string, port: number): Promise<RunningNginx> {
    // As root, its workers would be somebody who may not read the folder of a test.
    const user = process.getuid?.() === 0 ? ['-g', 'user root;'] : [];
    const args = ['-p', '.', '-c', file, '-e', 'stderr', ...user];
    const command = new Command(pathOf('nginx') as string, args, { cwd: folder });
    let hasEnded = false;
    void command.ended.then(() => {
      hasEnded = true;
    });
    await until(async () => hasEnded || (await answers(port)));
    expect(hasEnded, command.stderr).toBe(false);
    return new RunningNginx(command);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#command.process.kill('SIGTERM'); // its workers end with it
    await this.#command.ended;
  }
}
