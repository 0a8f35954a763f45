import { once } from 'node:events';
import fs, {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_PATH_BYTES } from '../../dist/primary/listen-options.js';
import { UnixSocketFile } from '../../dist/primary/unix-socket.js';

let folder: string;
let path: string;
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsloom-'));
  path = join(folder, 'a.sock');
});

afterEach(async () => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  for (const http of servers.splice(0)) await close(http);
  rmSync(folder, { recursive: true });
});

const close = (http: Server) => new Promise<void>((resolve) => http.close(() => resolve()));

function create(): Server {
  const http = createServer((_, response) => response.end());
  servers.push(http);
  return http;
}

/** An HTTP server that listens on the path. */
async function listen(mode = 0o660, at = path) {
  const http = create();
  const file = new UnixSocketFile(at, mode);
  await file.listen(http);
  return { http, file };
}

/** Leaves a socket on which nobody answers. */
async function leaveStale(): Promise<void> {
  const server = createTcpServer().listen(`${path}.made`);
  await once(server, 'listening');
  linkSync(`${path}.made`, path);
  await new Promise((resolve) => server.close(resolve)); // removes its own name only
}

async function answers(at = path): Promise<boolean> {
  const socket = connect(at);
  const [event] = await Promise.race([
    once(socket, 'connect').then(() => ['connect']),
    once(socket, 'error').then(() => ['error']),
  ]).catch(() => ['error']);
  socket.destroy();
  return event === 'connect';
}

describe('the file of a unix socket', () => {
  it.each([0o600, 0o660, 0o666, 0o777])(
    'has the permissions that it is to have, whatever the umask: %o',
    async (mode) => {
      await listen(mode);
      expect(lstatSync(path).mode & 0o7777).toBe(mode);
      expect(await answers()).toBe(true);
      expect(readdirSync(folder)).toEqual(['a.sock']);
    },
  );

  it('is not at its path before it has its permissions and is listened on', async () => {
    const http = create();
    const seen: string[] = [];
    const original = http.listen.bind(http);
    Reflect.set(http, 'listen', (options: { readonly path: string }, then: () => void) => {
      seen.push((lstatSync(dirname(options.path)).mode & 0o777).toString(8), String(existsSync(path)));
      const result = original(options, then);
      seen.push(String(http.listening), String(existsSync(path)));
      return result;
    });
    await new UnixSocketFile(path, 0o660).listen(http);
    expect(seen).toEqual(['700', 'false', 'true', 'false']);
    expect(existsSync(path)).toBe(true);
  });

  it('is removed at the end, and only once', async () => {
    const { http, file } = await listen();
    file.remove();
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(path, 'of somebody else');
    file.remove();
    await close(http);
    expect(readdirSync(folder)).toEqual(['a.sock']);
  });

  it('stays if it is that of another server by then', async () => {
    const { http, file } = await listen();
    unlinkSync(path); // by somebody who should not
    await listen();
    file.remove();
    await close(http);
    expect(await answers()).toBe(true);
  });

  it('is left alone if it was renamed or replaced by anything else', async () => {
    const { file } = await listen();
    renameSync(path, `${path}.old`);
    mkdirSync(path);
    file.remove();
    expect(readdirSync(folder)).toEqual(['a.sock', 'a.sock.old']);
  });

  it('replaces a socket on which nobody answers', async () => {
    await leaveStale();
    expect(await answers()).toBe(false);
    await listen();
    expect(await answers()).toBe(true);
    expect(readdirSync(folder)).toEqual(['a.sock']);
  });

  it('does not replace a socket on which another server answers', async () => {
    await listen();
    await expect(listen()).rejects.toMatchObject({
      name: 'ListenError',
      code: 'EADDRINUSE',
      message: `${path} is in use, another server listens there: end that server, or choose another path`,
    });
    expect(await answers()).toBe(true);
    expect(readdirSync(folder)).toEqual(['a.sock']);
  });

  it.each([
    ['a file', () => writeFileSync(path, 'precious')],
    ['a folder', () => mkdirSync(path)],
    ['a link to nothing', () => symlinkSync('nowhere', path)],
  ])('does not replace %s', async (_, make) => {
    make();
    const before = lstatSync(path);
    await expect(listen()).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: `${path} is there, and is no socket: remove it, or choose another path`,
    });
    expect(lstatSync(path)).toEqual(before);
  });

  it('does not replace a stale socket that another server has replaced in this moment', async () => {
    await leaveStale();
    const http = create();
    const original = http.listen.bind(http);
    const other = create();
    let changedAt: bigint | undefined;
    // Behind the look at what is there.
    Reflect.set(http, 'listen', (options: { readonly path: string }, then: () => void) => {
      unlinkSync(path);
      other.listen(path, () => {
        changedAt = lstatSync(path, { bigint: true }).ctimeNs;
        original(options, then);
      });
    });
    await expect(new UnixSocketFile(path, 0o660).listen(http)).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringContaining('another server has begun to listen there in this moment'),
    });
    expect(await answers()).toBe(true);
    // It was never away: a file that gets another name is changed.
    expect(lstatSync(path, { bigint: true }).ctimeNs).toBe(changedAt);
    expect(readdirSync(folder)).toEqual(['a.sock']);
  });

  it('does not replace a later file that has got the number of the stale one', async () => {
    await leaveStale();
    const http = create();
    const original = http.listen.bind(http);
    Reflect.set(http, 'listen', (options: { readonly path: string }, then: () => void) => {
      utimesSync(path, 1, 1); // which number a new file gets is for the file system to say
      return original(options, then);
    });
    await expect(new UnixSocketFile(path, 0o660).listen(http)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(lstatSync(path).isSocket()).toBe(true);
    expect(readdirSync(folder)).toEqual(['a.sock']);
  });

  it('gives back what it has taken away, if that has replaced the stale one just before', async () => {
    await leaveStale();
    const other = create();
    await once(other.listen(join(folder, 'other')), 'listening');
    const { renameSync: rename } = fs;
    vi.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
      if (from === path) {
        unlinkSync(path);
        linkSync(join(folder, 'other'), path);
      }
      rename(from, to);
    });
    syncBuiltinESMExports();
    await expect(listen()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(await answers()).toBe(true);
    expect(readdirSync(folder)).toEqual(['a.sock', 'other']);
  });

  it('does not replace what has come to a path where nothing was', async () => {
    const http = create();
    const original = http.listen.bind(http);
    Reflect.set(http, 'listen', (options: { readonly path: string }, then: () => void) => {
      writeFileSync(path, 'precious');
      return original(options, then);
    });
    await expect(new UnixSocketFile(path, 0o660).listen(http)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(lstatSync(path).isFile()).toBe(true);
    expect(readdirSync(folder)).toEqual(['a.sock']);
  });

  it('goes to one of ten servers that come at once, also where a stale one is', async () => {
    await leaveStale();
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => listen()));
    const refused = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    expect(refused.map(({ reason }) => reason.code)).toEqual(Array.from({ length: 9 }, () => 'EADDRINUSE'));
    expect(await answers()).toBe(true);
    expect(readdirSync(folder)).toEqual(['a.sock']);
  });

  it('is not made if the server is closed meanwhile', async () => {
    const http = create();
    const listened = new UnixSocketFile(path, 0o660).listen(http);
    const original = http.listen.bind(http);
    Reflect.set(http, 'listen', (options: { readonly path: string }, then: () => void) => {
      original(options, then);
      http.close();
    });
    await expect(listened).rejects.toMatchObject({ code: 'WSLOOM_STATE' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is not made if the server is closed just when it listens', async () => {
    const http = create();
    http.once('listening', () => http.close());
    await expect(new UnixSocketFile(path, 0o660).listen(http)).rejects.toMatchObject({ code: 'WSLOOM_STATE' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['that is not there', 'nowhere', /cannot listen on .*a\.sock: there is no folder .*nowhere$/, 'ENOENT'],
    ['that is a file', 'file', /cannot listen on .*a\.sock: .*file is no folder$/, 'ENOTDIR'],
  ])('cannot be made in a folder %s', async (_, name, message, code) => {
    writeFileSync(join(folder, 'file'), '');
    const error = await listen(0o660, join(folder, name, 'a.sock')).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ListenError', code, message: expect.stringMatching(message) });
  });

  it.runIf(process.platform === 'linux')('cannot be made in a folder that is there, and takes no files', async () => {
    await expect(listen(0o660, '/proc/a.sock')).rejects.toMatchObject({
      code: 'ENOENT',
      message: 'cannot listen on /proc/a.sock: no file can be made in /proc',
    });
  });

  it.each([1, 20])('may have the longest path that there is, with a name of %i', async (nameBytes) => {
    let deep = folder;
    const folderBytes = MAX_PATH_BYTES - nameBytes - 1;
    while (folderBytes - deep.length > 60) deep = join(deep, 'd'.repeat(20));
    deep = join(deep, 'd'.repeat(folderBytes - deep.length - 1));
    mkdirSync(deep, { recursive: true });
    const longest = join(deep, 's'.repeat(nameBytes));
    expect(longest).toHaveLength(MAX_PATH_BYTES);
    const { http, file } = await listen(0o600, longest);
    expect(lstatSync(longest).mode & 0o777).toBe(0o600);
    expect(await answers(longest)).toBe(true);
    file.remove();
    await close(http);
    expect(readdirSync(deep)).toEqual([]);
  });
});
