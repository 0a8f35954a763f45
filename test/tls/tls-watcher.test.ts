import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readTlsOptions } from '../../dist/tls/read-tls-options.js';
import { TICKET_KEYS_MS, type TlsMaterial } from '../../dist/tls/tls-material.js';
import type { TlsOptions } from '../../dist/tls/tls-options.js';
import { TlsWatcher } from '../../dist/tls/tls-watcher.js';
import { fileOf, pair, pem } from './certificates.js';
import { watchedFolders } from './watched-folders.js';

/** Long, so that nothing is found by polling unless a test asks for it. */
const NEVER_MS = 3_600_000;

let folder: string;
let watchers: TlsWatcher[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsloom-watch-'));
  watchers = [];
});
afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  vi.useRealTimers();
  for (const watcher of watchers) watcher.close();
  rmSync(folder, { recursive: true });
});

/** A watcher, and what it has reported. */
interface Watched {
  readonly watcher: TlsWatcher;
  readonly lines: string[];
  readonly brought: TlsMaterial[];
}

interface Settings {
  readonly onMaterial?: (material: TlsMaterial) => void | Promise<void>;
  readonly settleMs?: number;
  readonly pollMs?: number;
}

async function watching(tls: TlsOptions, settings: Settings = {}): Promise<Watched> {
  const lines: string[] = [];
  const brought: TlsMaterial[] = [];
  const take = (level: string) => (line: string) => void lines.push(`${level}: ${line}`);
  const watcher = await TlsWatcher.start({
    description: readTlsOptions(tls),
    log: { info: take('info'), warn: take('warn'), error: take('error') },
    settleMs: 10,
    pollMs: NEVER_MS,
    ...settings,
    onMaterial: async (material) => {
      await settings.onMaterial?.(material);
      brought.push(material);
    },
  });
  watchers.push(watcher);
  return { watcher, lines, brought };
}

/** Puts a pair into a folder, as files. @returns the option for them. */
function write(name: string, into = folder): TlsOptions {
  for (const kind of ['crt', 'key']) copyFileSync(fileOf(`${name}.${kind}`), join(into, `own.${kind}`));
  return filesIn(into);
}

function filesIn(path: string): TlsOptions {
  return { cert: pathToFileURL(join(path, 'own.crt')), key: pathToFileURL(join(path, 'own.key')) };
}

/** Waits for a line of the log. */
async function line({ lines }: Watched, pattern: RegExp): Promise<void> {
  await vi.waitFor(() => expect(lines.some((one) => pattern.test(one))).toBe(true), { timeout: 10_000 });
}

const RENEWED = /^info: tls: the files have changed, and new connections get the new certificates$/;
const REFUSED = /^warn: tls: the files have changed and cannot be used, the old certificates stay: /;

const certOf = ({ byDefault }: TlsMaterial) => byDefault.cert[0];

describe('watched files', () => {
  it('are read at the start, and refused if they cannot be used', async () => {
    const { watcher, brought } = await watching(write('default'));
    expect([certOf(watcher.material), brought]).toEqual([pem('default.crt'), []]);
    writeFileSync(join(folder, 'own.key'), 'nothing');
    await expect(watching(filesIn(folder))).rejects.toMatchObject({ code: 'WSLOOM_CONFIG', option: 'tls.key' });
  });

  it('are read again if they change while they are read at the start', async () => {
    const other = await watching(write('default'), { settleMs: 40 }); // reports later than who has 10
    const { open } = promises;
    let reads = 0;
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    vi.spyOn(promises, 'open').mockImplementation(async (path, flags) => {
      const file = await open(path, flags);
      const close = file.close.bind(file);
      // It has been read when it is closed.
      file.close = async () => {
        if (String(path).endsWith('.key') && reads++ === 0) await held;
        await close();
      };
      return file;
    });
    syncBuiltinESMExports();
    const starting = watching(filesIn(folder));
    await vi.waitFor(() => expect(reads).toBe(1), { timeout: 10_000, interval: 5 });
    write('renewed');
    await line(other, RENEWED);
    release();
    const watched = await starting;
    await line(watched, RENEWED);
    expect(certOf(watched.watcher.material)).toBe(pem('renewed.crt'));
  });

  it('are read again when they are written in place, with the same ticket keys', async () => {
    const watched = await watching(write('default'));
    const { ticketKeys } = watched.watcher.material;
    write('renewed');
    await line(watched, RENEWED);
    const { material } = watched.watcher;
    expect(watched.brought).toEqual([material]);
    expect(certOf(material)).toBe(pem('renewed.crt'));
    expect(material.ticketKeys).toEqual(ticketKeys);
  });

  it('are read again when they are replaced, again and again', async () => {
    const watched = await watching(write('default'));
    const fresh = join(folder, 'fresh');
    mkdirSync(fresh);
    for (const name of ['renewed', 'a', 'default']) {
      watched.lines.length = 0;
      write(name, fresh);
      for (const file of readdirSync(fresh)) renameSync(join(fresh, file), join(folder, file));
      await line(watched, RENEWED);
      expect(certOf(watched.watcher.material)).toBe(pem(`${name}.crt`));
    }
  });

  it('are read again when links to them are exchanged, as certbot does', async () => {
    const live = join(folder, 'live');
    const archive = join(folder, 'archive');
    const link = (name: string) => {
      for (const kind of ['crt', 'key']) {
        copyFileSync(fileOf(`${name}.${kind}`), join(archive, `${name}.${kind}`));
        symlinkSync(join('..', 'archive', `${name}.${kind}`), join(live, 'fresh'));
        renameSync(join(live, 'fresh'), join(live, `own.${kind}`));
      }
    };
    for (const path of [live, archive]) mkdirSync(path);
    link('default');
    const watched = await watching(filesIn(live));
    link('renewed');
    await line(watched, RENEWED);
    expect(certOf(watched.watcher.material)).toBe(pem('renewed.crt'));
    // And when what a link leads to is written in place.
    watched.lines.length = 0;
    copyFileSync(fileOf('a.crt'), join(archive, 'renewed.crt'));
    copyFileSync(fileOf('a.key'), join(archive, 'renewed.key'));
    await line(watched, RENEWED);
    expect(certOf(watched.watcher.material)).toBe(pem('a.crt'));
  });

  it('are read again when their folder is exchanged behind a link, as Kubernetes does', async () => {
    const release = (version: string, name: string) => {
      mkdirSync(join(folder, version));
      write(name, join(folder, version));
      symlinkSync(version, join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    };
    release('..1', 'default');
    for (const kind of ['crt', 'key']) symlinkSync(join('..data', `own.${kind}`), join(folder, `own.${kind}`));
    const watched = await watching(filesIn(folder));
    for (const [version, name] of [
      ['..2', 'renewed'],
      ['..3', 'a'],
    ] as const) {
      watched.lines.length = 0;
      release(version, name);
      await line(watched, RENEWED);
      expect(certOf(watched.watcher.material)).toBe(pem(`${name}.crt`));
    }
  });

  it('are found by polling where no event comes, also in a folder that was made anew', async () => {
    const inner = join(folder, 'inner');
    mkdirSync(inner);
    const watched = await watching(write('default', inner), { pollMs: 20 });
    rmSync(inner, { recursive: true });
    await line(watched, REFUSED);
    expect(certOf(watched.watcher.material)).toBe(pem('default.crt'));
    mkdirSync(inner);
    write('renewed', inner);
    await line(watched, RENEWED);
    expect(certOf(watched.watcher.material)).toBe(pem('renewed.crt'));
  });

  it('that cannot be used are one line, and the old ones stay until they can', async () => {
    const watched = await watching(write('default'));
    copyFileSync(fileOf('renewed.crt'), join(folder, 'own.crt'));
    await line(watched, REFUSED);
    expect(watched.lines).toEqual([
      expect.stringMatching(
        /stay: tls\.cert \S+own\.crt has a first certificate that does not belong to the key \S+own\.key$/,
      ),
    ]);
    expect([certOf(watched.watcher.material), watched.brought]).toEqual([pem('default.crt'), []]);
    copyFileSync(fileOf('renewed.key'), join(folder, 'own.key'));
    await line(watched, RENEWED);
    expect(watched.lines.length).toBe(2);
  });

  it('are not read again when something else changes in their folder', async () => {
    const watched = await watching(write('default'));
    writeFileSync(join(folder, 'other'), 'x');
    unlinkSync(join(folder, 'other'));
    // Events come in their order: this one is later.
    write('renewed');
    await line(watched, RENEWED);
    expect(watched.brought.length).toBe(1);
  });

  it('change nothing if the threads do not take them', async () => {
    const fail = () => Promise.reject(new Error('thread 2 has ended'));
    const watched = await watching(write('default'), { onMaterial: fail });
    write('renewed');
    await line(watched, REFUSED);
    expect(watched.lines[0]).toContain('thread 2 has ended');
    expect(certOf(watched.watcher.material)).toBe(pem('default.crt'));
  });

  it('are let go at the end: what is loaded then is dropped', async () => {
    const watched = await watching(write('default'));
    write('renewed');
    const pending = watched.watcher.reload();
    // It begins in a microtask, and then waits for the file system.
    await Promise.resolve();
    await Promise.resolve();
    watched.watcher.close();
    expect(certOf(await pending)).toBe(pem('default.crt'));
    expect(certOf(await watched.watcher.reload())).toBe(pem('default.crt'));
    expect([watched.brought, watched.lines]).toEqual([[], []]);
  });
});

describe('folders', () => {
  let before: number | undefined;
  beforeEach(() => {
    before = watchedFolders();
  });

  it('are not watched any more after a start that has failed', async () => {
    write('default');
    writeFileSync(join(folder, 'own.key'), 'nothing');
    await expect(watching(filesIn(folder))).rejects.toThrow();
    expect(watchedFolders()).toBe(before);
  });

  it('are not watched if the options that name them are refused', async () => {
    const { watcher } = await watching(pair('default'));
    write('default');
    writeFileSync(join(folder, 'own.key'), 'nothing');
    await expect(watcher.reload(readTlsOptions(filesIn(folder)))).rejects.toThrow();
    expect(watchedFolders()).toBe(before);
  });

  it('are not watched if the end comes while threads take what is in them', async () => {
    const { watcher } = await watching(pair('default'), { onMaterial: () => watcher.close() });
    await watcher.reload(readTlsOptions(write('a')));
    expect(watchedFolders()).toBe(before);
  });

  it('are watched as long as they have files of the options in use', async () => {
    const { watcher } = await watching(write('default'));
    if (before !== undefined) expect(watchedFolders()).toBeGreaterThan(before);
    await watcher.reload(readTlsOptions(pair('a')));
    expect(watchedFolders()).toBe(before);
  });
});

describe('a reload by hand', () => {
  it('reads what has not changed, too, and resolves with what is in use', async () => {
    const { watcher, brought, lines } = await watching(write('default'));
    const material = await watcher.reload();
    expect([brought, watcher.material, lines]).toEqual([[material], material, []]);
  });

  it('is not followed by another one for the same change of files', async () => {
    const watched = await watching(write('default'));
    const other = await watching(filesIn(folder));
    write('renewed');
    await watched.watcher.reload();
    await line(other, RENEWED);
    write('a');
    await line(watched, RENEWED);
    expect(watched.brought.map(certOf)).toEqual([pem('renewed.crt'), pem('a.crt')]);
  });

  it('takes other options, whose files are watched from then on instead of those of before', async () => {
    const watched = await watching(write('default'));
    const other = join(folder, 'other');
    mkdirSync(other);
    const old = await watching(filesIn(folder));
    await watched.watcher.reload(readTlsOptions(write('a', other)));
    expect(certOf(watched.watcher.material)).toBe(pem('a.crt'));
    write('default');
    await line(old, RENEWED);
    write('b', other);
    await line(watched, RENEWED);
    expect(watched.brought.map(certOf)).toEqual([pem('a.crt'), pem('b.crt')]);
  });

  it('rejects with what is wrong, and changes nothing, the files that are watched neither', async () => {
    const watched = await watching(write('default'));
    const wrong = readTlsOptions({ ...pair('a'), key: pem('b.key') });
    await expect(watched.watcher.reload(wrong)).rejects.toMatchObject({ option: 'tls.cert' });
    expect([certOf(watched.watcher.material), watched.lines]).toEqual([pem('default.crt'), []]);
    write('renewed');
    await line(watched, RENEWED);
    expect(certOf(watched.watcher.material)).toBe(pem('renewed.crt'));
  });

  it('without options has those of the reload that it has waited for', async () => {
    const { watcher, brought } = await watching(pair('default'));
    await Promise.all([watcher.reload(readTlsOptions(pair('a'))), watcher.reload()]);
    expect(brought.map(certOf)).toEqual([pem('a.crt'), pem('a.crt')]);
  });

  it('waits for the one before it', async () => {
    const steps: string[] = [];
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const onMaterial = async (material: TlsMaterial) => {
      const name = certOf(material) === pem('a.crt') ? 'a' : 'b';
      steps.push(`begin ${name}`);
      if (name === 'a') await held;
      steps.push(`end ${name}`);
    };
    const { watcher } = await watching(pair('default'), { onMaterial });
    const both = ['a', 'b'].map((name) => watcher.reload(readTlsOptions(pair(name))));
    await vi.waitFor(() => expect(steps).toEqual(['begin a']), { timeout: 10_000 });
    release();
    await Promise.all(both);
    expect(steps).toEqual(['begin a', 'end a', 'begin b', 'end b']);
    expect(certOf(watcher.material)).toBe(pem('b.crt'));
  });
});

describe('a reload while another one brings other options', () => {
  it('does not bring back those of before', async () => {
    const { watcher, brought } = await watching(pair('a'));
    await Promise.all([watcher.reload(readTlsOptions(pair('b'))), watcher.reload()]);
    expect(brought.map(({ byDefault }) => byDefault.cert)).toEqual([[pem('b.crt')], [pem('b.crt')]]);
    expect((await watcher.reload()).byDefault.cert).toEqual([pem('b.crt')]);
  });

  it('stays with those of before if the others cannot be used', async () => {
    const { watcher } = await watching(pair('a'));
    const wrong = watcher.reload(readTlsOptions({ cert: pem('a.crt'), key: pem('b.key') }));
    const [, after] = await Promise.all([expect(wrong).rejects.toThrow('tls.cert'), watcher.reload()]);
    expect(after.byDefault.cert).toEqual([pem('a.crt')]);
  });
});

describe('the keys of tickets', () => {
  const certificates = (tls: TlsOptions) => watching(tls);

  it('change every 12 hours, and nothing else does', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { watcher, brought } = await certificates(pair('default'));
    const { ticketKeys, ...rest } = watcher.material;
    vi.advanceTimersByTime(TICKET_KEYS_MS - 1);
    await watcher.reload();
    expect(brought.pop()?.ticketKeys).toEqual(ticketKeys);
    vi.advanceTimersByTime(1);
    await vi.waitFor(() => expect(brought.length).toBe(1), { timeout: 10_000 });
    expect(watcher.material).toMatchObject(rest);
    expect(watcher.material.ticketKeys).not.toEqual(ticketKeys);
  });

  it('stay where they are of no use', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { watcher, brought } = await certificates({ ...pair('default'), sessionTimeout: 0 });
    vi.advanceTimersByTime(TICKET_KEYS_MS);
    await watcher.reload();
    expect(brought.length).toBe(1);
  });
});
