import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../dist/index.js';
import { contradictionIn, LISTEN_ROWS, MAX_PATH_BYTES, resolveListen } from '../../dist/primary/listen-options.js';
import { membersOf } from '../docs-of-members.js';

const errorOf = (options: unknown) => {
  try {
    resolveListen(options);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error('it was not refused');
};

describe('where a server listens', () => {
  it.each([
    [undefined, { kind: 'tcp', port: 8080, host: '127.0.0.1' }],
    [{ port: 0 }, { kind: 'tcp', port: 0, host: '127.0.0.1' }],
    [{ host: '::' }, { kind: 'tcp', port: 8080, host: '::' }],
    [
      { port: 1, path: undefined, mode: undefined, fd: undefined },
      { kind: 'tcp', port: 1, host: '127.0.0.1' },
    ],
    [{ path: '/run/a.sock' }, { kind: 'unix', path: '/run/a.sock', mode: 0o660 }],
    [
      { path: 'a.sock', mode: 0o600 },
      { kind: 'unix', path: resolve('a.sock'), mode: 0o600 },
    ],
    [{ path: './@a' }, { kind: 'unix', path: resolve('@a'), mode: 0o660 }],
    [
      { path: '/a', mode: 0o777 },
      { kind: 'unix', path: '/a', mode: 0o777 },
    ],
    [
      { path: '/a', mode: '666' },
      { kind: 'unix', path: '/a', mode: 0o666 },
    ],
    [
      { path: '/a', mode: '0600' },
      { kind: 'unix', path: '/a', mode: 0o600 },
    ],
    [
      { path: '/a', mode: '0o600' },
      { kind: 'unix', path: '/a', mode: 0o600 },
    ],
    [{ fd: 0 }, { kind: 'descriptor', fd: 0 }],
    [{ fd: 3 }, { kind: 'descriptor', fd: 3 }],
  ])('is for %j: %j', (options, place) => expect(resolveListen(options)).toEqual(place));

  it.each([
    [{ port: 1, path: '/a' }, 'path', 'path cannot be given together with port: a server listens in one place'],
    [{ host: '::', path: '/a' }, 'path', 'path cannot be given together with host: a server listens in one place'],
    [{ port: 1, mode: 0o600 }, 'mode', 'mode cannot be given together with port: a server listens in one place'],
    [{ fd: 3, path: '/a' }, 'fd', 'fd cannot be given together with path: a server listens in one place'],
    [{ fd: 3, port: 1 }, 'fd', 'fd cannot be given together with port: a server listens in one place'],
    [{ mode: 0o600 }, 'mode', 'mode is of a unix socket, whose path is missing'],
    [{ port: null }, 'port', 'port must be an integer from 0 to 65535, got null'],
    [{ path: '' }, 'path', 'path must be a path, got ""'],
    [{ path: 5 }, 'path', 'path must be a path, got 5'],
    [{ path: null }, 'path', 'path must be a path, got null'],
    [
      { path: '\0a' },
      'path',
      /^path must be a path without null bytes.*"\\u0000a": abstract sockets are not supported/,
    ],
    [{ path: '/a\0b' }, 'path', /^path must be a path without null bytes/],
    [{ path: '@a' }, 'path', /^path must be .* '\.\/@' for a file of that name, got "@a": abstract sockets are not/],
    [{ path: 'unix:/run/a' }, 'path', 'path must be a path without a scheme, got "unix:/run/a"'],
    [{ path: 'ws+unix:/a:/' }, 'path', 'path must be a path without a scheme, got "ws+unix:/a:/"'],
    [{ path: '/a', mode: 660 }, 'mode', "mode must be octal, such as 0o660 or '660', from 0 to 0o777, got 660"],
    [{ path: '/a', mode: '668' }, 'mode', /^mode must be octal.*got "668"$/],
    [{ path: '/a', mode: '66' }, 'mode', /^mode must be octal/],
    [{ path: '/a', mode: '1660' }, 'mode', /^mode must be octal/],
    [{ path: '/a', mode: 0o1777 }, 'mode', /^mode must be octal/],
    [{ path: '/a', mode: -1 }, 'mode', /^mode must be octal/],
    [{ path: '/a', mode: 6.5 }, 'mode', /^mode must be octal/],
    [{ path: '/a', mode: null }, 'mode', /^mode must be octal/],
    [{ path: '/a', mode: 0o066 }, 'mode', 'mode must let the owner write, as 600 and 660 do, got 066'],
    [{ fd: -1 }, 'fd', 'fd must be the number of a descriptor, got -1'],
    [{ fd: '3' }, 'fd', 'fd must be the number of a descriptor, got "3"'],
    [{ fd: 3.5 }, 'fd', 'fd must be the number of a descriptor, got 3.5'],
    [{ fd: 2 ** 31 }, 'fd', 'fd must be the number of a descriptor, got 2147483648'],
    [{ sokcet: '/a' }, 'sokcet', /^listen\(\): there is no option 'sokcet'/],
  ])('cannot be %j', (options, option, message) => {
    const error = errorOf(options);
    expect(error.option).toBe(option);
    if (typeof message === 'string') expect(error.message).toBe(message);
    else expect(error.message).toMatch(message);
  });

  it('is a path of a bounded number of bytes, which are more than its characters', () => {
    const longest = `/${'é'.repeat(Math.floor((MAX_PATH_BYTES - 1) / 2))}`;
    expect(resolveListen({ path: longest })).toMatchObject({ path: longest });
    const message = `path must have at most ${MAX_PATH_BYTES} bytes, got ${Buffer.byteLength(longest) + 2}: `;
    expect(errorOf({ path: `${longest}é` }).message).toContain(message);
  });

  it('is documented by the types, each option in one of them', () => {
    const types = ['TcpListenOptions', 'UnixListenOptions', 'DescriptorListenOptions'];
    const documented = types
      .flatMap((type) => membersOf('primary/listen-options.ts', type))
      .filter(({ doc }) => doc !== '');
    expect(documented.map(({ name }) => name)).toEqual(Object.keys(LISTEN_ROWS));
  });
});

it('options contradict each other if they name different places', () => {
  expect(contradictionIn([])).toBeUndefined();
  expect(contradictionIn(['path', 'mode'])).toBeUndefined();
  expect(contradictionIn(['port', 'host'])).toBeUndefined();
  expect(contradictionIn(['port', 'host', 'fd'])).toEqual(['port', 'fd']);
});
