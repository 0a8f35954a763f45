import { Console } from 'node:console';
import { PassThrough } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { ServerOptions } from '../../dist/index.js';
import { readLogger } from '../../dist/primary/option-readers.js';

/** Of what users give as the option `log`: types must fit too. */
type Log = NonNullable<ServerOptions['log']>;

const LINES = ['100% of %s and %d', 'Error: a\n    at b (file:///c.js:1:2)', '{"d":1}'];

function logAll(log: Log): void {
  const guarded = readLogger(log);
  for (const line of LINES) for (const level of ['info', 'warn', 'error'] as const) guarded[level](line);
}

describe('the option log takes', () => {
  it('a logger of pino, which gets each text as it is', () => {
    const written: Record<string, unknown>[] = [];
    logAll(pino({ base: null }, { write: (line: string) => void written.push(JSON.parse(line)) }));
    expect(written.map(({ level, msg }) => [level, msg])).toEqual(
      LINES.flatMap((line) => [30, 40, 50].map((level) => [level, line])),
    );
  });

  it('a child of a logger of pino, whose level and bindings hold', () => {
    const written: Record<string, unknown>[] = [];
    const parent = pino({ base: null }, { write: (line: string) => void written.push(JSON.parse(line)) });
    logAll(parent.child({ room: 'sockets' }, { level: 'error' }));
    expect(written.map(({ level, msg, room }) => [level, msg, room])).toEqual(
      LINES.map((line) => [50, line, 'sockets']),
    );
  });

  it('a console', () => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    logAll(new Console({ stdout, stderr }));
    expect(String(stdout.read())).toBe(LINES.map((line) => `${line}\n`).join(''));
    expect(String(stderr.read())).toBe(LINES.map((line) => `${line}\n${line}\n`).join(''));
  });

  it('a logger whose methods need their object and return it, as those of winston', () => {
    class Winston {
      readonly written: string[] = [];
      log(level: string, message: string): this {
        this.written.push(`${level} ${message}`);
        return this;
      }
      info(message: string): this {
        return this.log('info', message);
      }
      warn(message: string): this {
        return this.log('warn', message);
      }
      error(message: string): this {
        return this.log('error', message);
      }
    }
    const winston = new Winston();
    logAll(winston);
    expect(winston.written).toEqual(
      LINES.flatMap((line) => ['info', 'warn', 'error'].map((level) => `${level} ${line}`)),
    );
  });
});
