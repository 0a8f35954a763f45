import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  CloseArgumentError,
  createServer,
  PublishError,
  publish,
  roomToPublish,
  ServerStateError,
} from '../../dist/index.js';
import { startThread } from '../connection/thread.js';

const handler = new URL('../../dist/handlers/echo.js', import.meta.url);

/** What a call throws, or its promise rejects with. */
async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

it('an argument of a connection that cannot be used is an error with a code, and one of the language', async () => {
  const { connection } = startThread().connect();
  const wrong = 5 as unknown as string;
  const given = new Uint8Array(4);
  const { buffer } = given;
  structuredClone(buffer, { transfer: [buffer] });
  for (const [call, code, type, ofLanguage, name = ofLanguage.name] of [
    [() => connection.send(wrong), 'WSLOOM_DATA', ArgumentTypeError, TypeError],
    [() => connection.publish('topic', wrong), 'WSLOOM_DATA', ArgumentTypeError, TypeError],
    [() => connection.send(given), 'WSLOOM_DATA', ArgumentTypeError, TypeError],
    [() => connection.send(buffer), 'WSLOOM_DATA', ArgumentTypeError, TypeError],
    [() => connection.publish('topic', given), 'WSLOOM_DATA', ArgumentTypeError, TypeError],
    [() => connection.publish('topic', buffer), 'WSLOOM_DATA', ArgumentTypeError, TypeError],
    [() => connection.send('', { compress: 'no' } as never), 'WSLOOM_SEND_OPTIONS', ArgumentTypeError, TypeError],
    [() => connection.ping(given), 'WSLOOM_DATA', ArgumentTypeError, TypeError],
    [
      () => connection.close(1000, given as unknown as string),
      'WSLOOM_CLOSE_ARGUMENT',
      CloseArgumentError,
      RangeError,
      'CloseArgumentError',
    ],
    [() => connection.publish(wrong, ''), 'WSLOOM_TOPIC', ArgumentTypeError, TypeError],
    [() => connection.subscribe(wrong), 'WSLOOM_TOPIC', ArgumentTypeError, TypeError],
    [() => connection.unsubscribe(wrong), 'WSLOOM_TOPIC', ArgumentTypeError, TypeError],
    [() => connection.ping('x'.repeat(126)), 'WSLOOM_PING', ArgumentRangeError, RangeError],
  ] as const) {
    const error = await errorOf(call);
    expect(error).toBeInstanceOf(type);
    expect(error).toBeInstanceOf(ofLanguage);
    expect(error).toMatchObject({ code, name });
  }
});

it('what the state of a server does not allow is an error with a code', async () => {
  const server = createServer({ handler, threads: 0 });
  const event = [{ rawHeaders: [] } as unknown as IncomingMessage, {} as Duplex, Buffer.alloc(0)] as const;
  const early = await errorOf(() => server.handleUpgrade(...event));
  await server.start();
  const twice = await errorOf(() => server.start());
  const noEvent = await errorOf(() => server.handleUpgrade(...event));
  await server.close();
  const over = await errorOf(() => server.reload());
  for (const error of [early, twice, over]) {
    expect(error).toBeInstanceOf(ServerStateError);
    expect(error).toMatchObject({ code: 'WSLOOM_STATE', name: 'ServerStateError' });
  }
  expect(noEvent).toBeInstanceOf(ArgumentTypeError);
  expect(noEvent).toMatchObject({ code: 'WSLOOM_UPGRADE_EVENT' });
});

it('publishing where it is not known what publishes is an error with a code', async () => {
  const first = createServer({ handler, threads: 0 });
  const second = createServer({ handler, threads: 0 });
  await Promise.all([first.start(), second.start()]);
  const errors = [await errorOf(() => publish('topic', '')), await errorOf(roomToPublish)];
  await Promise.all([first.close(), second.close()]);
  for (const error of errors) {
    expect(error).toBeInstanceOf(PublishError);
    expect(error).toMatchObject({ code: 'WSLOOM_PUBLISH', name: 'PublishError' });
  }
});
