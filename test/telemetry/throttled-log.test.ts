import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Report, reportTo, ThrottledLog } from '../../dist/telemetry/throttled-log.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function makeLog() {
  const lines: string[] = [];
  const write = (level: string) => (line: string) => void lines.push(`${level}: ${line}`);
  const log = new ThrottledLog(reportTo({ info: write('info'), warn: write('warn'), error: write('error') }));
  return { log, lines };
}

/** Makes an error that has the same place each time. */
const failOnce = (message: string) => new Error(message);
const failElsewhere = (message: string) => new Error(message);

describe('a throttled log', () => {
  it('reports lines that are not throttled at once, each time', () => {
    const { log, lines } = makeLog();
    for (let i = 0; i < 2; i++) {
      log.info('a');
      log.warn('a');
      log.error('a');
    }
    expect(lines).toEqual(['info: a', 'warn: a', 'error: a', 'info: a', 'warn: a', 'error: a']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('reports each kind at once, and then once in a second of its own', () => {
    const { log, lines } = makeLog();
    log.throttled('info', 'a', 'a 1');
    vi.advanceTimersByTime(900);
    log.throttled('info', 'a', 'a 2');
    log.throttled('info', 'b', 'b 1');
    log.throttled('info', 'b', 'b 2');
    expect(lines.splice(0)).toEqual(['info: a 1', 'info: b 1']);
    vi.advanceTimersByTime(100);
    expect(lines.splice(0)).toEqual(['info: once more, last a 2']);
    vi.advanceTimersByTime(899);
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(lines).toEqual(['info: once more, last b 2']);
  });

  it('reports a kind at once again when a second has gone by without it, and others in its place', () => {
    const { log, lines } = makeLog();
    for (let round = 1; round <= 3; round++) {
      for (let i = 1; i <= 50; i++)
        log.throttled('info', i % 2 === 0 ? `kind ${i}` : `kind ${i} of ${round}`, `${round}.${i}`);
      expect(lines.splice(0)).toEqual(Array.from({ length: 50 }, (_, i) => `info: ${round}.${i + 1}`));
      vi.advanceTimersByTime(1000);
      expect([lines.length, vi.getTimerCount()]).toEqual([0, 0]);
    }
  });

  it('keeps the levels of one kind apart', () => {
    const { log, lines } = makeLog();
    log.throttled('info', 'a', 'x');
    log.throttled('error', 'a', 'x');
    expect(lines).toEqual(['info: x', 'error: x']);
  });

  it('reports errors with their stack, and the place decides about the kind, not the message', () => {
    const { log, lines } = makeLog();
    for (let i = 1; i <= 3; i++) {
      log.throttledError('open() failed', `open() failed, connection ${i}`, failOnce(`says ${'x'.repeat(i)}`));
      log.throttledError('open() failed', `open() failed, connection ${i}`, failElsewhere('other'));
      log.throttledError('close() failed', `close() failed, connection ${i}`, failOnce('other'));
    }
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^error: open\(\) failed, connection 1: Error: says x\n +at failOnce .*throttled-log/);
    lines.length = 0;
    vi.advanceTimersByTime(1000);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(
      /^error: 2 times more, last open\(\) failed, connection 3: Error: says xxx\n +at failOnce /,
    );
    expect(lines[1]).toMatch(
      /^error: 2 times more, last open\(\) failed, connection 3: Error: other\n +at failElsewhere /,
    );
    expect(lines[2]).toMatch(/^error: 2 times more, last close\(\) failed, connection 3: /);
  });

  it('finds the place in the application, not in this package or in the engine', () => {
    const { log, lines } = makeLog();
    const ours = `${new URL('../../dist/', import.meta.url)}connection/message.js:1:1`;
    for (const place of ['/app/a.js:1:1', '/app/b.js:1:1', '/app/a.js:1:1']) {
      const error = new SyntaxError('no JSON');
      error.stack = `SyntaxError: no JSON\n    at JSON.parse (<anonymous>)\n    at json (${ours})\n    at node:events:1:1\n    at ${place}`;
      log.throttledError('message() failed', 'message() failed', error);
    }
    expect(lines).toHaveLength(2);
  });

  it('does not take a line of a message for a place', () => {
    const { log, lines } = makeLog();
    for (let i = 0; i < 9; i++) log.throttledError('a', 'a', failOnce(`x\n    at ${'z'.repeat(i)} (/evil.js:1:1)`));
    expect(lines).toHaveLength(1);
  });

  it('reports thrown values that are no errors by their text, without its numbers', () => {
    const { log, lines } = makeLog();
    for (const thrown of ['busy 1', 'busy 2', 'gone', undefined, null, 7, 8]) log.throttledError('a', 'a', thrown);
    expect(lines).toEqual([
      'error: a: busy 1',
      'error: a: gone',
      'error: a: undefined',
      'error: a: null',
      'error: a: 7',
    ]);
  });

  it.each([
    ['a getter that throws', Object.defineProperty(new Error('x'), 'stack', { get: () => assertNever() })],
    ['a method that throws', { toString: () => assertNever() }],
    ['no methods at all', Object.create(null)],
    ['a symbol', Symbol('thrown')],
  ])('shows what is thrown with %s', (_, thrown) => {
    const { log, lines } = makeLog();
    log.throttledError('a', 'a', thrown);
    expect(lines).toEqual([expect.stringMatching(/^error: a: [ -~]+$/)]);
  });

  it('shows the stack of an error of another realm', () => {
    const { log, lines } = makeLog();
    log.throttledError('a', 'a', runInNewContext('new RangeError("elsewhere")'));
    expect(lines[0]).toMatch(/^error: a: RangeError: elsewhere\n +at evalmachine/);
  });

  it('does not keep a process alive', () => {
    vi.useRealTimers();
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    const { log } = makeLog();
    log.throttled('info', 'a', 'a');
    expect(timers()).toBe(before);
    log.flush();
  });

  it('shows at most 8 Ki characters of an error, and says how many there are', () => {
    const { log, lines } = makeLog();
    log.throttledError('a', 'a', 'x'.repeat(100_000));
    expect(lines[0]).toMatch(/^error: a: x{8192}… \(100000 characters\)$/);
  });

  it('reports kinds beyond fifty as one, and counts them', () => {
    const { log, lines } = makeLog();
    for (let i = 1; i <= 1000; i++) log.throttled('info', `kind ${i}`, `line ${i}`);
    expect(lines.slice(0, 2)).toEqual(['info: line 1', 'info: line 2']);
    expect(lines[50]).toBe('info: 1 of other kinds, last line 51');
    expect(lines).toHaveLength(51);
    vi.advanceTimersByTime(1000);
    expect(lines.slice(51)).toEqual(['info: 949 of other kinds, last line 1000']);
    vi.advanceTimersByTime(1000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('reports everything at its end, and leaves no timer', () => {
    const { log, lines } = makeLog();
    for (let i = 1; i <= 3; i++) log.throttled('info', 'a', `a ${i}`);
    log.throttled('info', 'b', 'b');
    log.flush();
    expect(lines).toEqual(['info: a 1', 'info: b', 'info: 2 times more, last a 3']);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the logs of many threads', () => {
  it('are one line a second of each kind, and no report is lost', () => {
    const { log, lines } = makeLog();
    const workers = Array.from({ length: 64 }, () => new ThrottledLog((report: Report) => log.add(report)));
    for (let ms = 0; ms < 5000; ms += 10) {
      for (const worker of workers) worker.throttled('error', 'a', 'a');
      vi.advanceTimersByTime(10);
    }
    for (const worker of workers) worker.flush();
    log.flush();
    expect(lines.length).toBeLessThanOrEqual(8);
    const counted = lines.map((line) => Number(/(\d+) times/.exec(line)?.[1] ?? 1));
    expect(counted.reduce((sum, times) => sum + times)).toBe(64 * 500);
  });

  it('are reported at once, with how often, when the primary has forgotten the kind', () => {
    const { log, lines } = makeLog();
    log.add({ level: 'warn', kind: 'a', line: 'a', times: 12 });
    log.add({ level: 'warn', kind: undefined, line: 'b', times: 1 });
    expect(lines).toEqual(['warn: 12 times, last a', 'warn: b']);
  });
});

function assertNever(): never {
  throw new Error('thrown while it was shown');
}
