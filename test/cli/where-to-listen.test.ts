import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { whereToListen } from '../../dist/cli/where-to-listen.js';

const PID = 42;
const ACTIVATED = { LISTEN_FDS: '1', LISTEN_PID: '42', LISTEN_FDNAMES: 'web' };
const NOT_USED = 'the socket that systemd passes is not used, because of';

const where = (flags: object, env: NodeJS.ProcessEnv = {}) => whereToListen(flags, env, PID);

describe('where the command line listens', () => {
  it.each([
    ['by default on the default port', {}, {}, {}, undefined],
    ['where flags say', { port: 1, host: '::' }, {}, { port: 1, host: '::' }, undefined],
    ['at PORT', {}, { PORT: '3000' }, { port: 3000 }, 'PORT of the environment'],
    ['at PORT, also if that is any', {}, { PORT: '0' }, { port: 0 }, 'PORT of the environment'],
    ['at WSLOOM_HOST', {}, { WSLOOM_HOST: '::' }, { host: '::' }, 'WSLOOM_HOST of the environment'],
    [
      'at both',
      {},
      { PORT: '3000', WSLOOM_HOST: '0.0.0.0' },
      { port: 3000, host: '0.0.0.0' },
      'PORT and WSLOOM_HOST of the environment',
    ],
    ['not at what is empty', {}, { PORT: '', WSLOOM_HOST: '' }, {}, undefined],
    [
      'at a port by flag and a host of the environment',
      { port: 1 },
      { PORT: 'nonsense', WSLOOM_HOST: '::' },
      { port: 1, host: '::' },
      'WSLOOM_HOST of the environment',
    ],
    [
      'at a host by flag and a port of the environment',
      { host: '::' },
      { PORT: '2', WSLOOM_HOST: 'x' },
      { port: 2, host: '::' },
      'PORT of the environment',
    ],
    [
      'on a unix socket, whatever the environment says',
      { path: '/a' },
      { PORT: 'x', WSLOOM_HOST: 'x' },
      { path: '/a' },
      undefined,
    ],
    ['on a unix socket with permissions', { path: '/a', mode: '600' }, {}, { path: '/a', mode: '600' }, undefined],
    ['on a descriptor, whatever the environment says', { fd: 5 }, { PORT: 'x' }, { fd: 5 }, undefined],
    ['on the socket of systemd, rather than at PORT', {}, { ...ACTIVATED, PORT: 'x' }, { fd: 3 }, 'socket of systemd'],
    ['on a descriptor rather than on the socket of systemd', { fd: 4 }, ACTIVATED, { fd: 4 }, undefined],
    ['as without systemd, if that passes nothing', {}, { ...ACTIVATED, LISTEN_FDS: '0' }, {}, undefined],
    ['as without systemd, if nothing says to whom', {}, { LISTEN_FDS: '1' }, {}, undefined],
  ])('is %s', (_, flags, env, options, source) => {
    expect(where(flags, env)).toEqual({ options, source, notes: [] });
  });

  it.each([
    [{ port: 1 }, { port: 1 }, '--port'],
    [{ host: '::' }, { host: '::' }, '--host'],
    [{ path: '/a', mode: '600' }, { path: '/a', mode: '600' }, '--socket and --socket-mode'],
  ])('is for %j not the socket of systemd, which is said', (flags, options, flag) => {
    expect(where(flags, ACTIVATED)).toEqual({ options, source: undefined, notes: [`${NOT_USED} ${flag}`] });
  });

  it('is not a socket that systemd passes to another process, which is said', () => {
    const { options, notes } = where({}, { ...ACTIVATED, LISTEN_PID: '41' });
    expect(options).toEqual({});
    expect(notes).toEqual([expect.stringContaining('to process 41, and this is 42: they are not used')]);
    expect(where({ fd: 3 }, { ...ACTIVATED, LISTEN_PID: '41' }).notes).toEqual([]);
  });

  it.each([
    [{ path: '/a', port: 1 }, {}, '--port cannot be given together with --socket: a server listens in one place'],
    [{ port: 1, fd: 3 }, {}, '--fd cannot be given together with --port: a server listens in one place'],
    [{ host: '::', path: '/a' }, {}, '--socket cannot be given together with --host: a server listens in one place'],
    [{ mode: '600' }, {}, '--socket-mode is of a unix socket: --socket is missing'],
    [{ path: '@a' }, {}, /^--socket must be a path/],
    [{ path: `/${'x'.repeat(200)}` }, {}, /^--socket must have at most \d+ bytes, got 201: /],
    [{ path: '/a', mode: '888' }, {}, /^--socket-mode must be octal, such as 0o660 or '660', .*got "888"$/],
    [{ fd: 2 ** 40 }, {}, /^--fd must be the number of a descriptor/],
    [
      {},
      { PORT: 'http' },
      'PORT of the environment must be a number from 0 to 65535, got "http": correct it, or set --port',
    ],
    [{}, { PORT: '65536' }, /^PORT of the environment must be .* got "65536"/],
    [{}, { PORT: ' 80' }, /^PORT of the environment must be /],
    [{}, { PORT: '/tmp/passenger.1' }, /^PORT .*got "\/tmp\/passenger\.1": for a unix socket use --socket$/],
    [{}, { PORT: '\\\\.\\pipe\\1' }, /^PORT .*: for a unix socket use --socket$/],
    [{}, { ...ACTIVATED, LISTEN_FDS: '2' }, /^LISTEN_FDS is "2": systemd must pass one socket/],
    [{}, { ...ACTIVATED, LISTEN_FDS: 'x' }, /^LISTEN_FDS is "x": systemd must pass one socket/],
  ])('cannot be said by %j and %j', (flags, env, message) => {
    const error = (() => {
      try {
        return where(flags, env);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toMatchObject({
      code: 'WSLOOM_CONFIG',
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    });
  });

  it('is a path that is checked, and left as it was written', () => {
    expect(where({ path: 'a.sock' }).options).toEqual({ path: 'a.sock' });
    expect(resolve('a.sock')).toMatch(/^\//);
  });
});
