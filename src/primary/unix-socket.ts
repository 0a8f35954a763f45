import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmdirSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import type { Server as NetServer } from 'node:net';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { codeOf, ListenError } from './listen-error.js';
import { MAX_PATH_BYTES } from './listen-options.js';
import { listening } from './listening.js';
import { ServerStateError } from './server-state-error.js';

/**
 * The file of a unix socket, from when a server listens on it until the server is closed.
 *
 * The socket is made in a private folder beside its path, gets its permissions there, and listens there. Only then is it linked to
 * its path. So the path never shows a socket with more permissions than it is to have, or one that does not listen, and a file
 * that has come to the path meanwhile is not overwritten. (`process.umask` would hold for the whole process, and cannot be set in
 * its threads.)
 */
export class UnixSocketFile {
  readonly path: string;
  readonly #mode: number;
  /** The file that was made; undefined before and afterwards. */
  #own: Stats | undefined;

  constructor(path: string, mode: number) {
    this.path = path;
    this.#mode = mode;
  }

  /**
   * Has an HTTP server listen on the socket. A socket at the path on which nobody answers is replaced.
   * @throws ListenError if something else is at the path, or the file cannot be made.
   * @throws ServerStateError if the HTTP server is closed meanwhile.
   */
  async listen(http: NetServer): Promise<void> {
    let folder: string | undefined;
    try {
      const stale = await this.#findStale();
      folder = mkdtempSync(join(dirname(this.path), '.wsloom-'));
      const made = join(folder, MADE);
      await listenWithin(http, folder);
      if (!http.listening) throw new ServerStateError('the server was closed while it was starting');
      chmodSync(made, this.#mode);
      if (stale !== undefined) this.#takeAway(stale, join(folder, TAKEN));
      this.#own = this.#publish(made);
    } catch (error) {
      throw this.#explained(error);
    } finally {
      if (folder !== undefined) removeFolder(folder);
    }
  }

  /**
   * Removes the file, unless it is not that of this server any more. Call it while the server still listens: as long as it does,
   * no other server takes the path.
   */
  remove(): void {
    const own = this.#own;
    this.#own = undefined;
    if (own === undefined) return;
    try {
      if (isSame(lstatSync(this.path), own)) unlinkSync(this.path);
    } catch {
      // It was removed, or may not be removed any more. The next server that listens there replaces it.
    }
  }

  /** @returns what is at the path, if that is a socket on which nobody answers. @throws ListenError for anything else */
  async #findStale(): Promise<Stats | undefined> {
    const found = lstatSync(this.path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    if (!found.isSocket()) {
      throw new ListenError('EADDRINUSE', `${this.path} is there, and is no socket: remove it, or choose another path`);
    }
    const answer = await answerOf(this.path);
    if (answer === 'ECONNREFUSED') return found;
    if (answer === 'ENOENT') return undefined; // it was removed meanwhile
    const why =
      answer === undefined ? 'another server listens there' : `it cannot be asked who listens there (${answer})`;
    throw new ListenError('EADDRINUSE', `${this.path} is in use, ${why}: end that server, or choose another path`);
  }

  /** Takes a stale file away. If another server has replaced it meanwhile, that server keeps its file, or gets it back. */
  #takeAway(stale: Stats, to: string): void {
    // The number of a file can be given to a later one, which has a later time.
    const isStale = (found: Stats) => isSame(found, stale) && found.mtimeMs === stale.mtimeMs;
    const found = lstatSync(this.path, { throwIfNoEntry: false });
    if (found === undefined) return; // somebody else has removed it
    if (!isStale(found)) throw this.#taken();
    renameSync(this.path, to);
    if (isStale(lstatSync(to))) return;
    giveName(to, this.path);
    throw this.#taken();
  }

  /** Gives the socket its path. */
  #publish(made: string): Stats {
    if (!giveName(made, this.path)) throw this.#taken();
    return lstatSync(this.path);
  }

  #taken(): ListenError {
    const what = 'another server has begun to listen there in this moment';
    return new ListenError('EADDRINUSE', `${this.path} is in use, ${what}: end that server, or choose another path`);
  }

  /** An error of the system, which names the private folder, in terms of the path. */
  #explained(error: unknown): unknown {
    const { syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) return error;
    const code = codeOf(error);
    const folder = dirname(this.path);
    const why = WHY[code]?.(folder) ?? (error as Error).message;
    return new ListenError(code, `cannot listen on ${this.path}: ${why}`, { cause: error });
  }
}

/** The names in the private folder: of the socket that is made, and of the stale one that it replaces. */
const MADE = 'made';
const TAKEN = 'taken';

const WHY: Readonly<Record<string, (folder: string) => string>> = {
  // Some folders are of the system, such as /proc.
  ENOENT: (folder) => (existsSync(folder) ? `no file can be made in ${folder}` : `there is no folder ${folder}`),
  ENOTDIR: (folder) => `${folder} is no folder`,
  EACCES: (folder) => `this user may not make files in ${folder}`,
  EPERM: (folder) => `this user may not change that file in ${folder}`,
  EROFS: (folder) => `nothing can be written to ${folder}`,
};

/** Has an HTTP server listen on the socket {@link MADE} of a folder. */
async function listenWithin(http: NetServer, folder: string): Promise<void> {
  const path = join(folder, MADE);
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES || process.platform !== 'linux') {
    await listening(http, { path, exclusive: true });
    return;
  }
  // The path is short enough, but this folder makes it too long. By its descriptor the folder has a short name.
  const fd = openSync(folder, 'r');
  const short = `/proc/self/fd/${fd}`;
  // libuv removes the path that it was given when the socket is closed. The number may be that of another folder then, so that the
  // name has to be one that is nowhere else.
  const name = basename(folder);
  try {
    await listening(http, { path: join(short, name), exclusive: true });
    renameSync(join(folder, name), path);
  } finally {
    closeSync(fd);
  }
}

/** What is answered to a connection to a unix socket. @returns the code of the error; undefined if somebody accepts it */
function answerOf(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error) => resolve(codeOf(error)));
  });
}

/** Gives a file another name. @returns false if there is something of that name */
function giveName(file: string, path: string): boolean {
  try {
    linkSync(file, path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    // On this file system a file has one name. Then nothing tells whether another one has come to the path meanwhile.
    renameSync(file, path);
  }
  return true;
}

function isSame(one: Stats, other: Stats): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

function removeFolder(folder: string): void {
  for (const name of [MADE, TAKEN, basename(folder)]) {
    try {
      unlinkSync(join(folder, name));
    } catch {
      // Each of them is there only sometimes.
    }
  }
  try {
    rmdirSync(folder);
  } catch {
    // An empty folder that stays does no harm, and the error that has led here matters more.
  }
}
