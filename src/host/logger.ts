/** Where a server says what it has to say: a line at a time, without a line's end. */
export interface Logger {
  info(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}

/** All to standard error, with the level in front. */
export const stderrLogger: Logger = {
  info: (line) => write('info', line),
  warn: (line) => write('warning', line),
  error: (line) => write('error', line),
};

function write(level: string, line: string): void {
  process.stderr.write(`wsloom: ${level}: ${line}\n`);
}
