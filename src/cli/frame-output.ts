import { textLine } from './log-line.js';

/** Where a command prints that takes frames apart or makes them, and what it ends with. */
export interface FrameOutput {
  /** Prints what was asked for, and waits until it was taken. @returns false if nobody reads it any more. */
  print(output: string | Uint8Array): Promise<boolean>;
  /** Says in one line what may be wrong. */
  warn(text: string): void;
  /** The exit code, unless it is 0. */
  endWith(code: number): void;
}

/** The standard output and the exit code of this process. */
export const OF_PROCESS: FrameOutput = {
  print(output) {
    return new Promise((resolve) => {
      process.stdout.write(output, (error) => resolve(error === null || error === undefined));
    });
  },
  warn(text) {
    process.stderr.write(textLine({ level: 'warn', text }));
  },
  endWith(code) {
    process.exitCode = code;
  },
};
