import { describe, expect, it } from 'vitest';
import { ConfigError, createServer, defineHandler, type ServerOptions, ServerStateError } from '../../dist/index.js';
import { Client, refusal } from '../e2e/client.js';
import { builtIn, serve } from '../e2e/serving.js';

/** The error of a server with this handler. */
function problem(handler: unknown, options: Partial<ServerOptions> = { threads: 0 }): ConfigError {
  try {
    createServer({ handler: handler as URL, ...options });
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).option).toBe('handler');
    return error as ConfigError;
  }
  throw new Error('it was taken');
}

describe('a handler that is an object', () => {
  it('has hooks that see the variables of the program, in this thread', async () => {
    const seen: string[] = [];
    const handler = defineHandler<{ readonly name: string }>({
      upgrade: ({ query }) => (query === '' ? { status: 401, body: 'who are you?' } : { data: { name: query } }),
      open: (connection) => void seen.push(`open ${connection.data.name}`),
      message(connection, message) {
        seen.push(message.text());
        connection.send(`${connection.data.name}: ${message.text()}`);
      },
      close: (_, code) => void seen.push(`close ${code}`),
    });
    await using served = await serve({ handler, threads: 0 });
    expect(await refusal(served.url)).toMatchObject({ status: 401, body: 'who are you?' });
    using client = await Client.open(`${served.url}/?ada`);
    client.send('hello');
    expect(await client.text()).toBe('ada: hello');
    await client.close(3000);
    expect(seen).toEqual(['open ada', 'hello', 'close 3000']);
  });

  it('may be of a class, whose hooks keep their `this`', async () => {
    class Counting {
      messages = 0;
      upgrade() {
        return { headers: { 'X-Messages': String(this.messages) } };
      }
      message(connection: { send(text: string): unknown }) {
        this.messages++;
        connection.send(String(this.messages));
      }
    }
    // Its own property is no hook.
    expect(problem(new Counting()).message).toMatch(/property 'messages' that is no hook/);
    class Hidden {
      #messages = 0;
      upgrade() {
        return { headers: { 'X-Messages': String(this.#messages) } };
      }
      message(connection: { send(text: string): unknown }) {
        connection.send(String(++this.#messages));
      }
    }
    await using served = await serve({ handler: new Hidden(), threads: 0 });
    using client = await Client.open(served.url);
    client.send('');
    expect(await client.text()).toBe('1');
  });

  it('cannot be loaded again, and the server goes on', async () => {
    await using served = await serve({ handler: { message: (one, message) => void one.send(message) }, threads: 0 });
    const error = await served.server.reload().catch((reason) => reason);
    expect(error).toBeInstanceOf(ServerStateError);
    expect(error.message).toMatch(/object cannot be loaded again: put the hooks into a module/);
    using client = await Client.open(served.url);
    client.send('still here');
    expect(await client.text()).toBe('still here');
  });

  it('cannot go to worker threads, and the error says what to do', () => {
    for (const options of [{}, { threads: 1 }]) {
      const { message } = problem({ message: () => {} }, options);
      expect(message).toMatch(/^handler must be the URL or the path of a module where threads host connections/);
      expect(message).toContain('threads: 0');
    }
  });

  it.each([
    [{ onMessage: () => {} }, /^handler cannot be used: .*'onMessage' that is no hook.*\(did you mean message\?\)$/],
    [
      { message: () => {}, open: 5 },
      /^handler cannot be used: the hook 'open' of the handler must be a function, got num/,
    ],
    [
      { message: () => {}, upgrade: null },
      /^handler cannot be used: the hook 'upgrade' of the handler must be a function/,
    ],
    [{ message: () => {}, verifyClient: () => true }, /'verifyClient' that is no hook.*\(did you mean upgrade\?\)$/],
    [Promise.resolve({}), /^handler cannot be used: the handler is a promise, and must be a handler: await it$/],
    [{}, /^handler must be the URL or the path of a module/],
    [[], /^handler must be the URL or the path of a module/],
    [() => {}, /^handler must be the URL or the path of a module/],
  ])('that is none is an error that says why: %o', (handler, message) => {
    expect(problem(handler).message).toMatch(message);
  });

  it('stays possible as a module without threads', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 0 });
    await served.server.reload();
    using client = await Client.open(served.url);
    client.send('hello');
    expect(await client.text()).toBe('hello');
  });
});
