import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FileChanges } from '../../dist/tls/file-changes.js';

const NEVER_MS = 3_600_000;

let folder: string;
let opened: FileChanges[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsloom-files-'));
  opened = [];
});
afterEach(() => {
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
