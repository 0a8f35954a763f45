import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EarlierAnswers } from '../../dist/opening/earlier-answers.js';

/** A socket to which an HTTP server writes responses, one after the other. */
class FakeSocket extends Duplex {
  _httpMessage: EventEmitter | null = null;
  readonly #queue: EventEmitter[] = [];

  /** @param responses how many are not answered. */
  constructor(responses: number) {
    super();
    for (let i = 0; i < responses; i++) this.#queue.push(new EventEmitter());
    this._httpMessage = this.#queue.shift() ?? null;
  }

  override _read(): void {}

  override _write(_bytes: unknown, _encoding: unknown, callback: () => void): void {
    callback();
  }

  /** As Node does: the next response gets the socket before the last one says that it is over. */
  answer(): void {
    const over = this._httpMessage;
    this._httpMessage = this.#queue.shift() ?? null;
    over?.emit('close');
  }
}

const TIMEOUT_MS = 1000;

function made() {
  const givenUp: Duplex[] = [];
  const done: number[] = [];
  const answers = new EarlierAnswers(TIMEOUT_MS);
  const wait = (socket: Duplex, number = 0) => {
    const giveUp = () => void givenUp.push(socket);
    answers.after(socket, () => void done.push(number), giveUp);
  };
  return { answers, givenUp, done, wait };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('an upgrade', () => {
  it('does not wait if all earlier requests are answered', () => {
    const { answers, done, wait } = made();
    wait(new FakeSocket(0));
    wait(new Duplex());
    expect([done, answers.size]).toEqual([[0, 0], 0]);
  });

  it.each([1, 2, 8])('waits for all of %i answers', (count) => {
    const { answers, done, wait } = made();
    const socket = new FakeSocket(count);
    wait(socket);
    for (let left = count; left > 0; left--) {
      expect([done, answers.size]).toEqual([[], 1]);
      socket.answer();
    }
    expect([done, answers.size, vi.getTimerCount()]).toEqual([[0], 0, 0]);
    for (const event of ['close', 'drain']) expect(socket.listenerCount(event)).toBe(0);
  });

  it('that waits for too long is given up, and its socket destroyed', () => {
    const { answers, givenUp, done, wait } = made();
    const socket = new FakeSocket(2);
    wait(socket);
    vi.advanceTimersByTime(TIMEOUT_MS - 1);
    socket.answer();
    expect([givenUp, socket.destroyed]).toEqual([[], false]);
    vi.advanceTimersByTime(1);
    expect([givenUp, socket.destroyed, answers.size]).toEqual([[socket], true, 0]);
    socket.answer(); // too late
    expect(done).toEqual([]);
  });

  it('is forgotten when its connection is lost', async () => {
    const { answers, givenUp, done, wait } = made();
    const clears = vi.spyOn(globalThis, 'clearTimeout');
    const sets = vi.spyOn(globalThis, 'setTimeout');
    const socket = new FakeSocket(1);
    wait(socket);
    const [timer] = sets.mock.results.map(({ value }) => value as unknown);
    socket.destroy(new Error('reset')); // and this error ends no process
    await vi.waitFor(() => expect(answers.size).toBe(0), { timeout: 10_000 });
    socket.answer();
    expect([done, givenUp]).toEqual([[], []]);
    expect(clears).toHaveBeenCalledWith(timer);
    vi.restoreAllMocks();
  });

  it('does not come any more if an earlier answer has ended the connection', () => {
    const { answers, done, wait } = made();
    const socket = new FakeSocket(1);
    wait(socket);
    socket.end();
    socket.answer();
    wait(socket);
    expect([done, answers.size, socket.readableFlowing]).toEqual([[], 0, true]);
  });

  it('lets the earlier response go on when its socket has room again', () => {
    const { wait } = made();
    const socket = new FakeSocket(1);
    const response = socket._httpMessage as EventEmitter;
    wait(socket);
    let drains = 0;
    response.on('drain', () => drains++);
    socket.emit('drain');
    expect(drains).toBe(0); // it does not wait for that
    Reflect.set(response, 'writableNeedDrain', true);
    socket.emit('drain');
    expect(drains).toBe(1);
  });

  it('is given up at once if 64 others wait', () => {
    const { answers, givenUp, done, wait } = made();
    const sockets = Array.from({ length: 64 }, () => new FakeSocket(1));
    for (const [number, socket] of sockets.entries()) wait(socket, number);
    const another = new FakeSocket(1);
    wait(another);
    expect([answers.size, givenUp, another.destroyed]).toEqual([64, [another], true]);
    wait(new FakeSocket(0), 100); // one that has nothing to wait for
    sockets[3]?.answer();
    wait(new FakeSocket(1));
    expect([done, answers.size, givenUp.length]).toEqual([[100, 3], 64, 1]);
  });
});
