import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/**
 * The command line in a process of its own, ended at the end of the block that it was started in. The log of `wsloom serve` is asked for as
 * text, unless `args` say how it is to be.
 */
export class Command implements AsyncDisposable {
  readonly process: ChildProcessWithoutNullStreams;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  stdout = '';
  stderr = '';
  #wake: () => void = () => {};

  /** @param options `fd3`: what the process has as descriptor 3. */
  constructor(
    file: string,
    args: readonly string[],
    options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly fd3?: number } = {},
  ) {
    const { fd3, ...rest } = options;
    // The runner of tests may force colours.
    const { FORCE_COLOR: _, ...env } = rest.env ?? process.env;
    const stdio: readonly (number | 'pipe')[] = ['pipe', 'pipe', 'pipe', ...(fd3 === undefined ? [] : [fd3])];
    this.process = spawn(file, inText(args), { ...rest, env, stdio: [...stdio] }) as ChildProcessWithoutNullStreams;
    this.process.stdout.on('data', (bytes) => this.#add('stdout', bytes));
    this.process.stderr.on('data', (bytes) => this.#add('stderr', bytes));
    this.ended = new Promise((resolve) => {
      this.process.on('close', (code, signal) => {
        resolve(code ?? signal);
        this.#wake();
      });
    });
  }

  static run(...args: string[]): Command {
    return new Command(process.execPath, [CLI, ...args]);
  }

  /** In a shell that limits the address space, in KiB. */
  static runWithin(kibibytes: number, ...args: string[]): Command {
    const script = `ulimit -v ${kibibytes}; exec "$@"`;
    return new Command('bash', ['-c', script, 'bash', process.execPath, CLI, ...args]);
  }

  /** The URL that it says it listens on. */
  async listening(): Promise<string> {
    const [, url] = await this.says(
      'stdout',
      /^listening on (wss?(?:\+unix)?:\S+)(?: \([^)]+\))? with \d+ threads?, \S+ kernel\n$/,
    );
    return url as string;
  }

  async says(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this[stream]);
      if (found !== null) return found;
      if (this.process.exitCode !== null) throw new Error(`it ended and said: ${this.stdout}${this.stderr}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  #add(stream: 'stdout' | 'stderr', bytes: unknown): void {
    this[stream] += String(bytes);
    this.#wake();
  }
}

function inText(args: readonly string[]): string[] {
  const serve = args.indexOf(CLI) + 1;
  if (args[serve] !== 'serve' || serve === 0 || args.some((arg) => arg.startsWith('--log-format'))) return [...args];
  return args.toSpliced(serve + 1, 0, '--log-format', 'text');
}
