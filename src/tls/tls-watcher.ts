import type { Logger } from '../telemetry/logger.js';
import { FileChanges } from './file-changes.js';
import { loadTls } from './load-tls.js';
import { filesOf, type TlsDescription } from './tls-description.js';
import { resumes, rotateTicketKeys, TICKET_KEYS_MS, type TlsMaterial } from './tls-material.js';

/** How long files must stay the same before they are read: whoever renews a certificate writes several. */
const SETTLE_MS = 500;
const POLL_MS = 60_000;

export interface TlsWatcherOptions {
  readonly description: TlsDescription;
  readonly log: Logger;
  /** Brings new material to all threads. While its promise is pending, nothing else is loaded. If it rejects, the old material stays. */
  readonly onMaterial: (material: TlsMaterial) => void | Promise<void>;
  readonly settleMs?: number;
  readonly pollMs?: number;
}

/**
 * Keeps the material of a server current: reads its files when they change, and changes the keys of tickets every 12 hours. What cannot
 * be used is one line in the log, and the old material stays in use.
 */
export class TlsWatcher {
  readonly #options: TlsWatcherOptions;
  #description: TlsDescription;
  #material: TlsMaterial;
  /** Undefined if there are no files. */
  #changes: FileChanges | undefined;
  readonly #rotation: NodeJS.Timeout;
  /** One change after the other: each begins with what the last one has left. */
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  private constructor(options: TlsWatcherOptions, material: TlsMaterial, changes: FileChanges | undefined) {
    this.#options = options;
    this.#description = options.description;
    this.#material = material;
    this.#changes = changes;
    this.#rotation = setInterval(() => this.#rotate(), TICKET_KEYS_MS).unref();
  }

  /**
   * Loads the material for the first time, without a call of `onMaterial`, and watches.
   * @throws ConfigError (rejects) as {@link loadTls} does.
   */
  static async start(options: TlsWatcherOptions): Promise<TlsWatcher> {
    let watcher: TlsWatcher | undefined;
    let hasChanged = false;
    const changes = await watchFiles(options.description, options, () => {
      hasChanged = true;
      watcher?.reloadQuietly();
    });
    try {
      watcher = new TlsWatcher(options, await loadTls(options.description), changes);
    } catch (error) {
      changes?.close();
      throw error;
    }
    if (hasChanged) watcher.reloadQuietly(); // while they were read
    return watcher;
  }

  /** What is in use now. */
  get material(): TlsMaterial {
    return this.#material;
  }

  /**
   * Reads everything again, whether or not it has changed, and brings it to all threads.
   * @param description in place of that of before, from now on. Without it, that of the reload before this one.
   * @returns what is in use then. After {@link close} nothing changes any more.
   * @throws ConfigError (rejects), or the error of `onMaterial`; the old material stays in use.
   */
  reload(description?: TlsDescription): Promise<TlsMaterial> {
    // What is in use is asked for when it is its turn: a reload before it may bring another description.
    return this.#inTurn(() => this.#reload(description ?? this.#description));
  }

  /** Ends all timers and watches. What is being loaded is dropped. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#rotation);
    this.#changes?.close();
  }

  /** @internal The files have changed. */
  reloadQuietly(): void {
    const { log } = this.#options;
    this.reload().then(
      () => {
        if (!this.#isClosed) log.info('tls: the files have changed, and new connections get the new certificates');
      },
      (error: unknown) => {
        log.warn(`tls: the files have changed and cannot be used, the old certificates stay: ${messageOf(error)}`);
      },
    );
  }

  async #reload(description: TlsDescription): Promise<TlsMaterial> {
    if (this.#isClosed) return this.#material;
    const isSame = description === this.#description;
    const changes = isSame ? this.#changes : await watchFiles(description, this.#options, () => this.reloadQuietly());
    try {
      if (isSame) await changes?.accept();
      await this.#use(await loadTls(description, this.#material));
    } catch (error) {
      if (!isSame) changes?.close();
      throw error;
    }
    if (isSame) return this.#material;
    this.#changes?.close();
    this.#changes = changes;
    this.#description = description;
    if (this.#isClosed) changes?.close();
    return this.#material;
  }

  #rotate(): void {
    if (!resumes(this.#material)) return;
    this.#inTurn(() => this.#use(rotateTicketKeys(this.#material))).catch((error: unknown) => {
      this.#options.log.warn(`tls: the keys of tickets could not be changed: ${messageOf(error)}`);
    });
  }

  async #use(material: TlsMaterial): Promise<void> {
    if (this.#isClosed) return;
    await this.#options.onMaterial(material);
    this.#material = material;
  }

  #inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(change);
    this.#last = result.catch(() => {}); // whoever has asked for it is told
    return result;
  }
}

async function watchFiles(
  description: TlsDescription,
  { settleMs = SETTLE_MS, pollMs = POLL_MS }: TlsWatcherOptions,
  onChange: () => void,
): Promise<FileChanges | undefined> {
  const files = filesOf(description);
  if (files.length === 0) return undefined;
  const changes = new FileChanges({ files, onChange, settleMs, pollMs });
  await changes.accept();
  return changes;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
