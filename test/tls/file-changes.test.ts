import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FileChanges } from '../../dist/tls/file-changes.js';
import { watchedFolders } from './watched-folders.js';

const NEVER_MS = 3_600_000;

let folder: string;
let opened: FileChanges[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsloom-files-'));
  opened = [];
});
afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  for (const changes of opened) changes.close();
  rmSync(folder, { recursive: true });
});

/** Watches a file of the folder. */
async function watch(name: string) {
  const onChange = vi.fn();
  const changes = new FileChanges({ files: [join(folder, name)], onChange, settleMs: 10, pollMs: NEVER_MS });
  opened.push(changes);
  await changes.accept();
  return { changes, onChange };
}

it('what happens to one file is not reported for another one of the same folder', async () => {
  writeFileSync(join(folder, 'own'), 'first');
  const own = await watch('own');
  const other = await watch('other');
  for (const [index, text] of ['a', 'bb', 'ccc'].entries()) {
    writeFileSync(join(folder, 'other'), text);
    // Both have had the same events, and have looked.
    await vi.waitFor(() => expect(other.onChange).toHaveBeenCalledTimes(index + 1), { timeout: 10_000 });
  }
  expect(own.onChange).not.toHaveBeenCalled();
});

it('nothing is reported after the end', async () => {
  writeFileSync(join(folder, 'own'), 'first');
  const ended = await watch('own');
  const control = await watch('own');
  ended.changes.close();
  writeFileSync(join(folder, 'own'), 'second');
  await vi.waitFor(() => expect(control.onChange).toHaveBeenCalled(), { timeout: 10_000 });
  expect(ended.onChange).not.toHaveBeenCalled();
});

it('a change that comes while the last one is being looked at is not lost', async () => {
  const path = join(folder, 'own');
  writeFileSync(path, 'first');
  const own = await watch('own');
  const other = await watch('other');
  const { stat } = promises;
  let looks = 0;
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  vi.spyOn(promises, 'stat').mockImplementation((async (of: string, options: { readonly bigint: true }) => {
    const found = await stat(of, options);
    if (of === path && ++looks === 2) await held; // the look that finds the file the same as the one before
    return found;
  }) as typeof stat);
  syncBuiltinESMExports();
  writeFileSync(path, 'second');
  await vi.waitFor(() => expect(looks).toBe(2), { timeout: 10_000, interval: 5 });
  writeFileSync(path, 'the third');
  writeFileSync(join(folder, 'other'), 'later');
  await vi.waitFor(() => expect(other.onChange).toHaveBeenCalled(), { timeout: 10_000, interval: 5 });
  release();
  await vi.waitFor(() => expect(own.onChange).toHaveBeenCalledTimes(2), { timeout: 10_000, interval: 5 });
});

it('nothing is watched after the end, also if that comes while folders are looked for', async () => {
  const before = watchedFolders();
  const changes = new FileChanges({ files: [join(folder, 'a')], onChange: () => {}, settleMs: 1, pollMs: NEVER_MS });
  const accepted = changes.accept();
  changes.close();
  await accepted;
  expect(watchedFolders()).toBe(before);
});
