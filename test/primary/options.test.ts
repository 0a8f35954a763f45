import { describe, expect, it } from 'vitest';
import { NEVER_BYTES, THRESHOLDS } from '../../dist/kernels/thresholds.js';
import { ConfigError } from '../../dist/options/option-error.js';
import { handshakesInWorkers, resolveOptions } from '../../dist/primary/options.js';
import type { ServerOptions } from '../../dist/primary/server-options.js';

const MAX_INT32 = 2 ** 31 - 1;

/** Least and greatest value that an option may have. */
const RANGES: readonly (readonly [name: keyof ServerOptions, least: number, greatest: number])[] = [
  ['threads', 0, 1024],
  ['arenaBytes', 1024 * 1024, 2 ** 32 - 65_536],
  ['maxPayloadBytes', 1, 2 ** 32 - 1],
  ['maxConnections', 1, MAX_INT32],
  ['maxConnectionsPerIp', 0, MAX_INT32],
  ['highWaterMarkBytes', 1, 2 ** 32 - 1],
  ['maxBackpressureBytes', 1, 2 ** 32 - 1],
  ['maxBufferedBytes', 1024 * 1024, 2 ** 40],
  ['heartbeatIntervalMs', 0, MAX_INT32],
  ['idleTimeoutMs', 0, MAX_INT32],
  ['messageTimeoutMs', 0, MAX_INT32],
  ['stallTimeoutMs', 0, MAX_INT32],
  ['closeTimeoutMs', 1, MAX_INT32],
  ['messagesPerSecond', 0, MAX_INT32],
  ['bytesPerSecond', 0, 2 ** 40],
  ['maxConsecutiveEmptyFragments', 0, MAX_INT32],
  ['handshakeTimeoutMs', 1, MAX_INT32],
  ['maxHeaderBytes', 512, 1024 * 1024],
  ['maxHeaderCount', 8, 10_000],
  ['handOffTimeoutMs', 1, MAX_INT32],
  ['maxBackplaneBytes', 0, 2 ** 40],
  ['backplaneStallMs', 0, MAX_INT32],
  ['backplaneTimeoutMs', 1, MAX_INT32],
];

function refusal(options: Readonly<Record<string, unknown>>): ConfigError {
  try {
    resolveOptions({ handler: 'handler.js', ...options });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error(`accepted: ${JSON.stringify(options)}`);
}

describe.each(RANGES)('%s', (name, least, greatest) => {
  it(`may be from ${least} to ${greatest}`, () => {
    for (const value of [least, greatest]) resolveOptions({ handler: 'handler.js', [name]: value });
  });

  it('may be nothing else, which is said with what was found and what is allowed', () => {
    const others = [
      least - 1,
      greatest + 1,
      least + 0.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      '8',
      '10mb',
      true,
      {},
      [],
    ];
    for (const value of others) {
      const { option, code, message } = refusal({ [name]: value });
      expect(option).toBe(name);
      expect(code).toBe('WSLOOM_CONFIG');
      const found = typeof value === 'number' ? String(value) : JSON.stringify(value);
      expect(message).toBe(`${name} must be an integer from ${least} to ${greatest}, got ${found}`);
    }
  });
});

describe('a choice', () => {
  it.each([
    ['slowConsumer', 'close, drop', ['close', 'drop']],
    ['rateLimitAction', 'pause, close', ['pause', 'close']],
  ] as const)('%s is one of %s', (name, listed, choices) => {
    for (const value of choices) resolveOptions({ handler: 'handler.js', [name]: value });
    for (const value of ['', 'Close', 1, true, {}]) {
      const { option, message } = refusal({ [name]: value });
      expect(option).toBe(name);
      expect(message).toBe(`${name} must be one of ${listed}, got ${JSON.stringify(value)}`);
    }
  });
});

describe('thresholds', () => {
  it('replace those that they name, and leave the others', () => {
    const { host } = resolveOptions({ handler: 'handler.js', thresholds: { unmaskWasmFromBytes: 0 } });
    expect(host.thresholds).toEqual({ ...THRESHOLDS, unmaskWasmFromBytes: 0 });
    resolveOptions({ handler: 'handler.js', kernel: 'auto', thresholds: THRESHOLDS });
    resolveOptions({ handler: 'handler.js', thresholds: { validateNativeFromBytes: NEVER_BYTES } });
  });

  it.each([
    [4, 'must be an object of bytes, unmaskWasmFromBytes, '],
    [null, 'must be an object of bytes, '],
    [[4], 'must be an object of bytes, '],
    [{ unmaskWasm: 4 }, "have no 'unmaskWasm'; there are unmaskWasmFromBytes, "],
    [{ unmaskWasmFromBytes: -1 }, 'must be integers from 0 to 4294967295, got -1 for unmaskWasmFromBytes'],
    [{ unmaskWasmFromBytes: 1.5 }, 'must be integers from 0 to 4294967295, got 1.5 for unmaskWasmFromBytes'],
    [{ unmaskWasmFromBytes: '4' }, 'must be integers from 0 to 4294967295, got "4" for unmaskWasmFromBytes'],
    [{ unmaskWasmFromBytes: NEVER_BYTES + 1 }, 'must be integers from 0 to 4294967295, got 4294967296'],
  ])('may not be %j', (thresholds, says) => {
    const { option, message } = refusal({ thresholds });
    expect(option).toBe('thresholds');
    expect(message).toContain(`thresholds ${says}`);
  });

  it('are refused for a kernel that has none', () => {
    const { option, message } = refusal({ kernel: 'js', thresholds: THRESHOLDS });
    expect(option).toBe('thresholds');
    expect(message).toBe('thresholds are for the kernel auto, and this one is js');
  });
});

describe('a list', () => {
  it.each(['allowedOrigins', 'allowedHosts'])('%s is an array of strings', (name) => {
    for (const value of [[], ['*']]) resolveOptions({ handler: 'handler.js', [name]: value });
    for (const value of ['*', [1], {}, true, [['*']]]) {
      const { option, message } = refusal({ [name]: value });
      expect(option).toBe(name);
      expect(message).toBe(`${name} must be an array of strings, got ${JSON.stringify(value)}`);
    }
  });

  it('names the entry that cannot be used', () => {
    expect(refusal({ allowedOrigins: ['https://a.example', 'b.example'] })).toMatchObject({
      option: 'allowedOrigins',
      message: `allowedOrigins must be origins like 'https://example.org', or '*', got "b.example"`,
    });
    expect(refusal({ allowedHosts: ['a.example', 'http://b.example'] })).toMatchObject({
      option: 'allowedHosts',
      message: `allowedHosts must be names or addresses, with a port or without, or '*', got "http://b.example"`,
    });
  });
});

describe('options that are not given', () => {
  it('have defaults that can be used', () => {
    const resolved = resolveOptions({ handler: 'handler.js' });
    expect(resolved.admission.maxConnections).toBeGreaterThanOrEqual(1);
    expect(resolved.host.maxBufferedBytes).toBeGreaterThanOrEqual(1024 * 1024);
    expect(resolved.host.limits).toMatchObject({ maxBackpressureBytes: 16 * 1024 * 1024, slowConsumer: 'close' });
  });

  it('and those that do not exist are named, with those that do', () => {
    const { option, message } = refusal({ maxPayload: 1 });
    expect(option).toBe('maxPayload');
    expect(message).toContain("there is no option 'maxPayload'");
    expect(message).toContain('maxPayloadBytes');
  });
});

describe('the handler', () => {
  it('can be a URL of another realm', () => {
    const href = 'file:///app/chat.js';
    class OtherURL {
      href = href;
      protocol = 'file:';
    }
    for (const handler of [new URL(href), new OtherURL() as URL, href]) {
      expect(resolveOptions({ handler }).handler).toBe(href);
    }
    for (const handler of [{ href }, { protocol: 'file:' }, null, 5, '']) {
      expect(() => resolveOptions({ handler: handler as string })).toThrow(/^handler must be the URL or the path/);
    }
  });
});

describe('the log', () => {
  it('must have its three methods, and what it lacks is named', () => {
    const [info, warn, error] = [() => {}, () => {}, () => {}];
    resolveOptions({ handler: 'a.js', log: { info, warn, error } });
    resolveOptions({ handler: 'a.js', log: console });
    const refusal = (log: unknown) => () => resolveOptions({ handler: 'a.js', log: log as Console });
    expect(refusal({ info, error: 'x' })).toThrow(
      'log must be an object with the methods info, warn and error, got no warn, no error',
    );
    expect(refusal('console')).toThrow('log must be an object with the methods info, warn and error, got string');
  });
});

describe('the path', () => {
  it('is one or several, as they stand in requests', () => {
    expect(resolveOptions({ handler: 'handler.js' }).paths).toBeUndefined();
    for (const path of ['/live', '/', '/a%20b', '/v1/rooms:all', '/%2A'])
      expect(resolveOptions({ handler: 'handler.js', path }).paths).toEqual(new Set([path]));
    expect(resolveOptions({ handler: 'handler.js', path: ['/a', '/b'] }).paths).toEqual(new Set(['/a', '/b']));
  });

  it('is at least one, because nobody could connect to none', () => {
    expect(refusal({ path: [] })).toMatchObject({
      option: 'path',
      message: 'path must have at least one path, got []: leave it out to accept all paths',
    });
  });

  it.each(['/*', '/live/*', '/rooms/:id', '/:room', '/rooms/{id}'])('is no pattern: %s', (path) => {
    const message = `path is compared as it is, and cannot be a pattern like "${path}": name each path, or accept all and have the hook upgrade look at request.path`;
    expect(refusal({ path })).toMatchObject({ option: 'path', message });
    expect(refusal({ path: ['/live', path] })).toMatchObject({ option: 'path', message });
  });

  it('is ASCII, because a path in a request is', () => {
    expect(refusal({ path: '/caf\u00e9' }).message).toBe(
      'path must be ASCII, as in requests, got "/caf\\u00e9": write "/caf%C3%A9"',
    );
  });

  it.each([undefined, '', 'live', '/a?b', '/a#b', '/a b', 1, null, /live/])('is nothing else: %o', (path) => {
    expect(refusal({ path: ['/live', path] }).message).toMatch(/^path must begin with '\/' and have no query, got /);
  });
});

describe('the thread of the opening handshake', () => {
  const tls = { cert: '-----BEGIN ', key: '-----BEGIN ' };
  const protocol = { proxyProtocol: true, trustProxy: ['loopback'] };

  it.each([
    ['tls', '--tls-cert', { tls }],
    ['proxyProtocol', '--proxy-protocol', protocol],
  ])('cannot be the primary with %s and worker threads', (name, flag, options) => {
    expect(refusal({ threads: 2, handshake: 'primary', ...options })).toMatchObject({
      option: 'handshake',
      message: `handshake cannot be "primary": with ${name} (${flag}) the worker of a connection does its opening handshake. Leave it out, or take threads: 0`,
    });
    for (const others of [{}, { handshake: 'worker' as const }])
      expect(handshakesInWorkers(resolveOptions({ handler: 'a.js', threads: 2, ...others, ...options }))).toBe(true);
  });

  it('is the primary without worker threads, also with TLS', () => {
    const resolved = resolveOptions({ handler: 'a.js', threads: 0, handshake: 'primary', tls });
    expect(handshakesInWorkers(resolved)).toBe(false);
  });
});

describe('metrics', () => {
  it('are off, or at the path that is given', () => {
    expect(resolveOptions({ handler: 'handler.js' }).metrics).toBeUndefined();
    expect(resolveOptions({ handler: 'handler.js', metrics: '/metrics' }).metrics).toBe('/metrics');
    for (const off of [false, 'off'] as const) {
      expect(resolveOptions({ handler: 'handler.js', metrics: off }).metrics).toBeUndefined();
    }
  });

  it('may be at no other place', () => {
    for (const metrics of [true, null, '', 'on', 'metrics', '/a?b', 1, ['/a']]) {
      expect(refusal({ metrics }).option).toBe('metrics');
    }
  });

  it('have another path than the page and the health', () => {
    for (const [options, other] of [
      [{ metrics: '/' }, 'page'],
      [{ metrics: '/healthz' }, 'health'],
      [{ page: '/a', metrics: '/a' }, 'page'],
    ] as const) {
      const { option, message } = refusal(options);
      expect(option).toBe('metrics');
      expect(message).toMatch(
        new RegExp(`^metrics must have another path than ${other}, got "/[a-z]*" for both: move one`),
      );
    }
    expect(resolveOptions({ handler: 'handler.js', page: 'off', metrics: '/' }).metrics).toBe('/');
  });
});

describe('page and health', () => {
  it('are paths, or off', () => {
    expect(resolveOptions({ handler: 'handler.js' })).toMatchObject({ page: '/', health: '/healthz' });
    const moved = resolveOptions({ handler: 'handler.js', page: '/healthz', health: '/%C3%A9/~a' });
    expect(moved).toMatchObject({ page: '/healthz', health: '/%C3%A9/~a' });
    for (const off of [false, 'off'] as const) {
      const { page, health } = resolveOptions({ handler: 'handler.js', page: off, health: off });
      expect([page, health]).toEqual([undefined, undefined]);
    }
    expect(resolveOptions({ handler: 'handler.js', page: false, health: '/' }).health).toBe('/');
  });

  it.each(['page', 'health'] as const)('%s may be nothing else', (name) => {
    for (const value of [true, null, '', 'on', 'healthz', '/a?b', '/a#b', '/a b', '/\u00e9', '*', 1, ['/a']]) {
      const { option, message } = refusal({ [name]: value });
      expect(option).toBe(name);
      expect(message).toBe(
        `${name} must be 'off' or a path that begins with '/', in ASCII and without a query, got ${JSON.stringify(value)}`,
      );
    }
  });

  it('have different paths', () => {
    for (const options of [{ health: '/' }, { page: '/healthz' }, { page: '/a', health: '/a' }]) {
      const { option, message } = refusal(options);
      expect(option).toBe('health');
      expect(message).toMatch(/^health must have another path than page, got "\/[a-z]*" for both: move one/);
    }
  });
});

describe('the readiness', () => {
  it('is a path of its own, or off', () => {
    expect(resolveOptions({ handler: 'handler.js' }).ready).toBe('/readyz');
    expect(resolveOptions({ handler: 'handler.js', ready: false }).ready).toBeUndefined();
    for (const [other, path] of [['page', '/'] as const, ['health', '/healthz'] as const]) {
      expect(refusal({ ready: path })).toMatchObject({
        option: 'ready',
        message: `ready must have another path than ${other}, got "${path}" for both: move one of them, or turn it off`,
      });
    }
    expect(refusal({ ready: 'readyz' }).message).toMatch(/^ready must be 'off' or a path that begins with/);
  });
});

describe('the admin port', () => {
  const handler = 'handler.js';

  it('is off by default, and on a loopback address if it is on', () => {
    expect(resolveOptions({ handler }).admin).toBeUndefined();
    expect(resolveOptions({ handler, adminPort: 9464, allowedHosts: ['a.example'] }).admin).toEqual({
      ...{ port: 9464, host: '127.0.0.1', token: undefined, isOpen: false, allowedHosts: ['a.example'] },
    });
    for (const adminHost of ['localhost', '127.0.0.2', '::1', '::ffff:127.0.0.1'])
      expect(resolveOptions({ handler, adminPort: 0, adminHost }).admin?.host).toBe(adminHost);
  });

  it('is reached from other machines only with a token, or if that is said', () => {
    const others = ['0.0.0.0', '::', '10.1.2.3', 'server.example', '127.example', '1127.0.0.1'];
    for (const adminHost of [...others, 'localhost.example', '127.0.0.1.example', '::12', 'not-localhost']) {
      const { option, message } = refusal({ adminPort: 0, adminHost });
      expect(option).toBe('adminHost');
      expect(message).toMatch(
        /^adminHost must be a loopback address, got ".*": give adminToken \(.*\), or say by adminOpen/,
      );
      for (const guard of [{ adminToken: 'x' }, { adminOpen: true }])
        expect(resolveOptions({ handler, adminPort: 0, adminHost, ...guard }).admin?.host).toBe(adminHost);
    }
    expect(refusal({ adminPort: 0, adminOpen: true, adminToken: 'x' }).message).toMatch(
      /^adminOpen cannot be given together with adminToken: /,
    );
  });

  it('is needed by its other options', () => {
    for (const [name, value] of Object.entries({ adminHost: '::1', adminToken: 'x', adminOpen: true })) {
      expect(refusal({ [name]: value })).toMatchObject({
        option: name,
        message: `${name} is of an admin port: adminPort (--admin-port) is missing`,
      });
    }
    expect(resolveOptions({ handler, adminOpen: false }).admin).toBeUndefined();
  });

  it('is a port', () => {
    for (const adminPort of [-1, 65_536, 1.5, '9464', true])
      expect(refusal({ adminPort }).message).toMatch(/^adminPort must be an integer from 0 to 65535, got /);
  });

  it('has a token that can stand in a header, and that no error repeats', () => {
    for (const adminToken of ['', 'with space', 'n\u00e4m', 'line\n', 5, {}]) {
      const { option, message } = refusal({ adminPort: 0, adminToken });
      expect(option).toBe('adminToken');
      expect(message).toMatch(
        /^adminToken must be (a string, got (number|object)|visible ASCII characters without spaces, at least one, got (an empty one|another character))$/,
      );
    }
  });
});

describe('a trusted proxy', () => {
  const right = { trustProxy: ['loopback', '10.0.0.0/8'], proxyHeader: 'forwarded' };

  it('is given with its header, whose name may have letters of either case', () => {
    const none = resolveOptions({ handler: 'handler.js' });
    expect(none).toMatchObject({ trustedProxies: [], proxyHeader: undefined });
    const { trustedProxies, proxyHeader } = resolveOptions({ handler: 'handler.js', ...right } as ServerOptions);
    expect({ trustedProxies, proxyHeader }).toEqual({ trustedProxies: right.trustProxy, proxyHeader: 'forwarded' });
    const other = { ...right, proxyHeader: 'X-Forwarded-For' as 'x-forwarded-for' };
    expect(resolveOptions({ handler: 'handler.js', ...other }).proxyHeader).toBe('x-forwarded-for');
  });

  it('is never anybody, and each wrong entry is named', () => {
    for (const trustProxy of [true, false, 'loopback', null, [true], { loopback: true }]) {
      expect(refusal({ ...right, trustProxy })).toMatchObject({
        option: 'trustProxy',
        message: `trustProxy must be an array of strings, got ${JSON.stringify(trustProxy)}`,
      });
    }
    expect(refusal({ ...right, trustProxy: ['loopback', 'proxy.example'] }).message).toBe(
      'trustProxy must be addresses, networks like \'10.0.0.0/8\', or the names loopback, private and unix, got "proxy.example"',
    );
    expect(refusal({ ...right, trustProxy: ['0.0.0.0/0'] }).message).toMatch(/^trustProxy must not be every address/);
  });

  it('has one of two headers', () => {
    for (const proxyHeader of ['x-real-ip', '', ['forwarded'], true, null, 'forwarded, x-forwarded-for']) {
      expect(refusal({ ...right, proxyHeader })).toMatchObject({
        option: 'proxyHeader',
        message: `proxyHeader must be one of x-forwarded-for, forwarded, got ${JSON.stringify(proxyHeader)}`,
      });
    }
  });

  it('needs its header, and the header needs the proxy', () => {
    expect(refusal({ trustProxy: ['loopback'] })).toMatchObject({
      option: 'proxyHeader',
      message: expect.stringMatching(
        /^proxyHeader must be given with trustProxy \(--trust-proxy\): .*x-forwarded-for or forwarded/,
      ),
    });
    for (const others of [{}, { trustProxy: [] }]) {
      expect(refusal({ proxyHeader: 'forwarded', ...others })).toMatchObject({
        option: 'trustProxy',
        message: expect.stringMatching(/^trustProxy must name the proxy that sets forwarded \(--proxy-header\): /),
      });
    }
  });

  it('may speak the PROXY protocol instead, and then workers do the opening handshake', () => {
    const options = { handler: 'handler.js', threads: 2, trustProxy: ['loopback'] };
    const resolved = resolveOptions({ ...options, proxyProtocol: true, maxConnectionsPerIp: 3 });
    expect(resolved).toMatchObject({ proxyProtocol: true, proxyHeader: undefined });
    expect(handshakesInWorkers(resolved)).toBe(true);
    const byHeader = resolveOptions({ ...options, proxyHeader: 'forwarded' });
    expect(byHeader.proxyProtocol).toBe(false);
    expect(handshakesInWorkers(byHeader)).toBe(false);
  });

  it('that speaks the PROXY protocol must be named, and needs worker threads', () => {
    for (const others of [{}, { trustProxy: [] }]) {
      expect(refusal({ proxyProtocol: true, threads: 1, ...others })).toMatchObject({
        option: 'trustProxy',
        message: expect.stringMatching(/^trustProxy must name the proxies that connect: .*--proxy-protocol/),
      });
    }
    expect(refusal({ proxyProtocol: true, threads: 0, trustProxy: ['loopback'] })).toMatchObject({
      option: 'proxyProtocol',
      message: 'proxyProtocol needs worker threads, and threads is 0',
    });
    expect(refusal({ threads: 1, trustProxy: ['loopback'], proxyProtocol: 'v2' })).toMatchObject({
      option: 'proxyProtocol',
      message: 'proxyProtocol must be true or false, got "v2"',
    });
  });
});

describe('backplane', () => {
  const engine = { name: 'mine', connect: () => Promise.reject(new Error('never')) };
  const enginesOf = (backplane: NonNullable<ServerOptions['backplane']>) =>
    resolveOptions({ handler: 'handler.js', backplane }).fleet?.engines;

  it('may be a URL, an engine, or several of these in their order', () => {
    expect(resolveOptions({ handler: 'handler.js' }).fleet).toBeUndefined();
    expect(enginesOf('nats://a')).toEqual(['nats://a']);
    expect(enginesOf(new URL('redis://a'))).toEqual(['redis://a']);
    expect(enginesOf(engine)).toEqual([engine]);
    expect(enginesOf(['redis://b', engine, 'redis://a'])).toEqual(['redis://b', engine, 'redis://a']);
  });

  it.each([[''], [[]], [5], [true], [{}], [{ name: 'x' }], [{ connect() {} }], [['redis://a', null]], [[[]]]])(
    'may not be %j',
    (backplane) => {
      const { option, message } = refusal({ backplane });
      expect(option).toBe('backplane');
      expect(message).toMatch(/^backplane must /);
    },
  );

  it('may not be something with a password that would be shown', () => {
    expect(refusal({ backplane: { url: 'redis://:secret@a' } }).message).not.toContain('secret');
  });

  it.each([['redis://:secret@a'], [''], ['x'.repeat(41)], ['secret\n']])('may not be called %j', (name) => {
    const { message } = refusal({ backplane: { ...engine, name } });
    expect(message).toMatch(/^backplane must have a name of 1 to 40 letters/);
    expect(message).not.toContain('secret');
  });

  it('comes with a function that is told of its state', () => {
    const onBackplane = () => {};
    expect(resolveOptions({ handler: 'handler.js', backplane: engine, onBackplane }).fleet).toEqual({
      engines: [engine],
      onBackplane,
      maxBackplaneBytes: 0,
      backplaneStallMs: 1000,
      backplaneTimeoutMs: 5000,
      maxPayloadBytes: 16 * 1024 * 1024,
    });
    expect(refusal({ onBackplane: 'log' }).message).toBe('onBackplane must be a function, got "log"');
  });
});
