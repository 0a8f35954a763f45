import { type FSWatcher, watch } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface FileChangesOptions {
  readonly files: readonly string[];
  /** Called when files have changed, and have then stayed the same for `settleMs`. */
  readonly onChange: () => void;
  readonly settleMs: number;
  /** How often the files are looked at without an event: file systems on a network send none. */
  readonly pollMs: number;
}

/**
 * Notices that files change, in whatever way: written in place, replaced, or exchanged with a link, of the file (certbot) or of its
 * folder (`..data` of Kubernetes). Folders are watched rather than files, because a watched file that is replaced is never heard of
 * again. An event only says when to look: what counts is what file is there, and when it was changed.
 */
export class FileChanges {
  readonly #options: FileChangesOptions;
  /** By the folder and its inode: a folder that was made anew is another one. */
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #poll: NodeJS.Timeout;
  #settling: NodeJS.Timeout | undefined;
  /** The files as they were when {@link accept} or `onChange` was called last. */
  #accepted: string | undefined;
  /** The files as they were at the last look. */
  #last: string | undefined;
  #isLooking = false;
  #isClosed = false;

  constructor(options: FileChangesOptions) {
    this.#options = options;
    this.#poll = setInterval(() => void this.#look(), options.pollMs).unref();
  }

  /** Takes the files as they are now for known, and watches them. To be called before they are read, so that no later change is missed. */
  async accept(): Promise<void> {
    await this.#watchFolders();
    this.#accepted = await this.#fingerprint();
    this.#last = this.#accepted;
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#settling);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** Looks when events have ceased for a moment, or after each moment of events that do not cease. */
  #settle(): void {
    if (this.#isClosed || this.#settling !== undefined) return;
    this.#settling = setTimeout(() => {
      this.#settling = undefined;
      void this.#look();
    }, this.#options.settleMs).unref();
  }

  async #look(): Promise<void> {
    if (this.#isLooking) this.#settle(); // it may have looked at a file before its change
    if (this.#isLooking || this.#isClosed) return;
    this.#isLooking = true;
    const found = await this.#fingerprint();
    await this.#watchFolders();
    this.#isLooking = false;
    if (this.#isClosed) return;
    const isSettled = found === this.#last;
    this.#last = found;
    if (!isSettled) this.#settle();
    else if (found !== this.#accepted) {
      this.#accepted = found;
      this.#options.onChange();
    }
  }

  async #fingerprint(): Promise<string> {
    return (await Promise.all(this.#options.files.map(fingerprintOf))).join('\n');
  }

  /** Watches the folders in which the files, and the files behind links, are now. */
  async #watchFolders(): Promise<void> {
    const folders = await Promise.all(this.#options.files.map(foldersOf));
    const wanted = new Map(folders.flat().map((folder) => [`${folder.path} ${folder.inode}`, folder.path]));
    for (const [key, watcher] of this.#watchers) {
      if (!wanted.has(key)) this.#unwatch(key, watcher);
    }
    if (this.#isClosed) return;
    for (const [key, path] of wanted) {
      if (!this.#watchers.has(key)) this.#watch(key, path);
    }
  }

  #watch(key: string, path: string): void {
    try {
      const watcher = watch(path, { persistent: false }, () => this.#settle());
      // The folder is gone, or the system has no more watches: polling finds what changes, and tries again.
      watcher.on('error', () => this.#unwatch(key, watcher));
      this.#watchers.set(key, watcher);
    } catch {
      // As above.
    }
  }

  #unwatch(key: string, watcher: FSWatcher): void {
    watcher.close();
    this.#watchers.delete(key);
  }
}

/** Which file a path leads to, and when it was changed. */
async function fingerprintOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

/** The folder of a path, and the folder of the file that it leads to. Those that are not there are left out. */
async function foldersOf(path: string): Promise<{ readonly path: string; readonly inode: bigint }[]> {
  const target = await realpath(path).catch(() => path);
  const folders = [...new Set([dirname(path), dirname(target)])];
  const found = await Promise.all(
    folders.map(async (folder) => {
      try {
        return [{ path: folder, inode: (await stat(folder, { bigint: true })).ino }];
      } catch {
        return []; // polling finds it when it is there
      }
    }),
  );
  return found.flat();
}
