import { describe, expect, it } from 'vitest';
import { flagsOf } from '../../dist/cli/flags.js';
import { resolveClientLimits } from '../../dist/client/client-options.js';
import { type ConfigError, createServer, type ServerOptions } from '../../dist/index.js';
import { LOAD_ROWS } from '../../dist/load/load-rows.js';
import { resolveLoadOptions } from '../../dist/load/resolved-load-options.js';
import { type OptionRows, WrongValue } from '../../dist/options/define.js';
import { longestOf, wholeMs } from '../../dist/primary/drain-time.js';
import { CLOSE_ROWS } from '../../dist/primary/method-options.js';
import { SERVER_ROWS } from '../../dist/primary/option-rows.js';
import { resolveOptions } from '../../dist/primary/options.js';
import { Command } from '../cli/command.js';
import { builtIn } from '../e2e/serving.js';
import { eachWay, onlyOnce } from '../e2e/thread-counts.js';

/** What a timer can hold, in ms. */
const MAX_MS = 2 ** 31 - 1;
/** With what a worker has beyond it to end by itself. */
const MAX_DRAIN_MS = MAX_MS - 250;

const handler = builtIn('echo');

/** All options of a server that are times. */
const SERVER_TIMES = namesIn(() => resolveOptions({ handler, nothing: 1 } as ServerOptions));
const LOAD_TIMES = namesIn(() => resolveLoadOptions({ url: 'ws://a', nothing: 1 } as never));
const CLIENT_TIMES = ['handshakeTimeoutMs', 'closeTimeoutMs'];

/** The error says which options there are. */
function namesIn(refused: () => unknown): string[] {
  const { message } = failure(refused);
  return message.match(/\w+Ms\b/g) ?? [];
}

function failure(refused: () => unknown): ConfigError {
  try {
    refused();
  } catch (error) {
    return error as ConfigError;
  }
  throw new Error('it was not refused');
}

/** An hour is enough for a module to load. */
const greatest = (name: string) => (name === 'startTimeoutMs' ? 3_600_000 : MAX_MS);
const longest = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, greatest(name)]));

describe.each(onlyOnce)('a time that a timer cannot hold', () => {
  it.each([
    ...SERVER_TIMES.map((name) => [name, (ms: unknown) => resolveOptions({ handler, [name]: ms })] as const),
    ...CLIENT_TIMES.map(
      (name) => [`${name} of a client`, (ms: unknown) => resolveClientLimits({ [name]: ms })] as const,
    ),
    ...LOAD_TIMES.map(
      (name) => [`${name} of a load`, (ms: unknown) => resolveLoadOptions({ url: 'ws://a', [name]: ms })] as const,
    ),
  ])('is refused as %s', (title, use) => {
    const name = title.split(' ')[0] as string;
    for (const ms of [MAX_MS + 1, MAX_MS + 0.5, 2 ** 32, Number.POSITIVE_INFINITY, Number.NaN, -1, '5']) {
      const { option, message } = failure(() => use(ms));
      expect(option).toBe(name);
      expect(message).toMatch(new RegExp(`^${name} must be an integer from \\d+ to ${greatest(name)}, got `));
    }
    expect(() => use(greatest(name))).not.toThrow();
  });

  it.each([
    MAX_DRAIN_MS + 1,
    MAX_DRAIN_MS + 0.5,
    MAX_MS,
    2 ** 31,
    1e300,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    -1,
    '5',
    null,
  ])('is refused as drainMs of close() and reload(), which change nothing then: %s', async (drainMs) => {
    const server = createServer({ handler, threads: 0 });
    await server.start();
    const refusal = {
      option: 'drainMs',
      message: expect.stringMatching(/^drainMs must be .* from 0 to 2147483397, got /),
    };
    const closing = server.close({ drainMs } as never); // must not throw here
    await expect(closing).rejects.toMatchObject(refusal);
    await expect(server.reload({ drainMs } as never)).rejects.toMatchObject(refusal);
    await server.reload({ drainMs: 0.5 });
    expect(server.stats().reloads).toBe(1);
    await server.close({ drainMs: 0 });
  });

  it('is refused as the sum of drainMs and drainSpreadMs', async () => {
    const server = createServer({ handler, threads: 0 });
    await server.start();
    const times = { drainMs: MAX_DRAIN_MS - 1, drainSpreadMs: 2 };
    const refusal = {
      option: 'drainSpreadMs',
      message: `drainSpreadMs and drainMs (--drain) together must be at most ${MAX_DRAIN_MS} ms, got 2 and ${MAX_DRAIN_MS - 1}`,
    };
    await expect(server.close(times)).rejects.toMatchObject(refusal);
    await expect(server.reload(times)).rejects.toMatchObject(refusal);
    await expect(server.close({ shutdownDelayMs: MAX_MS + 1 })).rejects.toMatchObject({ option: 'shutdownDelayMs' });
    await expect(server.reload({ shutdownDelayMs: 1 } as never)).rejects.toMatchObject({ option: 'shutdownDelayMs' });
    await server.close({ drainMs: 0 });
  });

  it('is not the time of a drain that takes the longer times of two others', () => {
    const longest = longestOf({ drainSpreadMs: MAX_DRAIN_MS, drainMs: 0 }, { drainSpreadMs: 0, drainMs: MAX_DRAIN_MS });
    expect(longest).toEqual({ drainSpreadMs: MAX_DRAIN_MS, drainMs: MAX_DRAIN_MS });
    expect(wholeMs(longest)).toBe(MAX_DRAIN_MS);
    expect(wholeMs({ drainSpreadMs: 2, drainMs: 3 })).toBe(5);
  });

  it('is refused for every flag that takes seconds, by the option that the flag sets', () => {
    const times = Object.entries({ ...SERVER_ROWS, ...CLOSE_ROWS, ...LOAD_ROWS } as OptionRows).filter(
      ([, { kind, flag }]) => kind === 'milliseconds' && flag !== undefined,
    );
    // handOffTimeoutMs has none, and --drain, --drain-spread and --shutdown-delay are three more
    expect(times).toHaveLength(SERVER_TIMES.length - 1 + LOAD_TIMES.length + 3);
    for (const [name, row] of times) {
      const { parseArg } = flagsOf({ [name]: row }).get(name) ?? {};
      expect(() => row.read(parseArg?.('2147484', undefined)), name).toThrow(WrongValue);
      for (const text of ['1e3', '-1', 'Infinity', '']) {
        expect(() => parseArg?.(text, undefined), `${name} ${text}`).toThrow('It must be a number of seconds.');
      }
    }
  });

  it('is refused as --drain, in one line', async () => {
    await using command = Command.run('serve', '--drain', '2147484');
    expect(await command.ended).toBe(2);
    expect(command.stderr).toBe('wsloom: --drain must be from 0 to 2147483.397 seconds, got 2147484\n');
  });
});

describe.each(eachWay(1))('the longest times, with threads: %i,', (threads) => {
  it('end nothing, and no timer is given more than it can hold', async () => {
    const dist = new URL('../../dist/', import.meta.url);
    // Node warns of a timer that cannot hold its time, in whatever thread it is.
    await using run = new Command(process.execPath, [
      '--input-type=module',
      '--eval',
      `import { createServer } from '${dist}index.js';
      import { connect } from '${dist}client/index.js';
      import { load } from '${dist}load/index.js';
      const handler = new URL('${handler}');
      const server = createServer({ handler, threads: ${threads}, ...${JSON.stringify(longest(SERVER_TIMES))} });
      const { url } = await server.listen({ port: 0 });
      let answered;
      const message = (_, message) => answered(message.text());
      const answer = async (client, text) => {
        client.send(text);
        return new Promise((resolve) => (answered = resolve));
      };
      const client = await connect(url, { message, ...${JSON.stringify(longest(CLIENT_TIMES))} });
      console.log(await answer(client, 'one'));
      const drainMs = ${MAX_DRAIN_MS};
      await server.reload({ drainMs });
      console.log((await client.closed).code);
      const { messages, errors } = await load({ url, amount: 10, ...${JSON.stringify(longest(LOAD_TIMES))}, warmUpMs: 0 });
      console.log(messages.total, errors);
      const last = await connect(url, { message });
      console.log(await answer(last, 'two'));
      await server.close({ drainMs });
      console.log((await last.closed).code);`,
    ]);
    expect(await run.ended).toBe(0);
    expect(run.stdout).toBe('one\n1001\n10 0\ntwo\n1001\n');
    expect(run.stderr).toBe('');
  });
});
