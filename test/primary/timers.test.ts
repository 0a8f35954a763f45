import { createHook } from 'node:async_hooks';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { describe, expect, it, vi } from 'vitest';
import { Client } from '../e2e/client.js';
import { Gate, handler, isWorkerHandshake, serve, until } from '../e2e/serving.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** With a source map, or without. */
const OURS = [`${ROOT}src/`, `${ROOT}dist/`];

/** Timers of this thread that our code has made, and that may still fire: those that keep no process, too. */
class Timers implements Disposable {
  /** Where each was made. */
  readonly #alive = new Map<number, string>();
  readonly #hook = createHook({
    init: (id, type) => {
      const { stack = '' } = type === 'Timeout' ? new Error('made') : {};
      const maker = stack.split('\n').find((line) => line.includes(ROOT) && !line.includes('timers.test.ts')) ?? '';
      if (OURS.some((folder) => maker.includes(folder))) this.#alive.set(id, maker);
    },
    destroy: (id) => void this.#alive.delete(id),
  }).enable();

  get alive(): readonly string[] {
    return [...this.#alive.values()];
  }

  [Symbol.dispose](): void {
    this.#hook.disable();
  }
}

/** So that what ends by itself when it is looked at next does so soon. */
const SHORT = { closeTimeoutMs: 80, stallTimeoutMs: 80 };

describe('a server that is closed leaves no timer', () => {
  it.each([0, 1])('with threads: %i', async (threads) => {
    using timers = new Timers();
    const served = await serve({ handler: handler('commands.js'), threads, messagesPerSecond: 1, ...SHORT });
    using client = await Client.open(served.url);
    client.run(['send', 'hello']);
    expect(await client.text()).toBe('hello');
    await served.server.reload();
    expect(timers.alive.length).toBeGreaterThan(0);
    await served.server.close();
    await until(() => timers.alive.length === 0);
  });

  // If workers do the opening handshake, clients have no 101 before a worker has taken them.
  it.skipIf(isWorkerHandshake)('of connections whose worker has died, or of its successor', async () => {
    using gate = new Gate();
    using timers = new Timers();
    const served = await serve({ handler: handler('commands.js'), threads: 1, handOffTimeoutMs: 1_000_000, ...SHORT });
    using dying = await Client.open(served.url);
    dying.run(['block'], ['later', ['exit']]);
    expect(await dying.text()).toBe('blocked');
    using waiting = await Client.open(served.url);
    gate.open();
    await dying.closed;
    waiting.run(['send', 'hello']);
    expect(await waiting.text()).toBe('hello');
    await served.server.close();
    await until(() => timers.alive.length === 0);
  });
});

describe('close()', () => {
  it('resolves when the threads have ended, also one that is blocked', async () => {
    using _gate = new Gate();
    const served = await serve({ handler: handler('commands.js'), threads: 1 });
    using client = await Client.open(served.url);
    client.run(['block']);
    expect(await client.text()).toBe('blocked');
    const { destroy } = Piscina.prototype;
    const destroyed = vi.fn();
    const spy = vi.spyOn(Piscina.prototype, 'destroy').mockImplementation(async function (this: Piscina) {
      await destroy.call(this);
      destroyed();
    });
    try {
      await served.server.close({ drainMs: 20 });
      expect(destroyed).toHaveBeenCalledOnce();
    } finally {
      spy.mockRestore();
    }
  });
});
