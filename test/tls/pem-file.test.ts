import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readPemFile } from '../../dist/tls/pem-file.js';

const folder = mkdtempSync(join(tmpdir(), 'wsloom-pem-'));
afterAll(() => rmSync(folder, { recursive: true }));

function pipe(name: string): string {
  const path = join(folder, name);
  execFileSync('mkfifo', [path]);
  return path;
}

it('reads a file', async () => {
  const path = join(folder, 'one.pem');
  writeFileSync(path, `ü${'x'.repeat(200_000)}`);
  expect(await readPemFile(path)).toBe(`ü${'x'.repeat(200_000)}`);
  await expect(readPemFile(folder)).rejects.toMatchObject({ code: 'EISDIR' });
  await expect(readPemFile(join(folder, 'none.pem'))).rejects.toMatchObject({ code: 'ENOENT' });
});

describe.runIf(process.platform === 'linux')('what is no file', () => {
  it('does not hold up whoever reads it, if nobody writes to it', async () => {
    expect(await readPemFile(pipe('silent'))).toBe('');
  });

  it('may be a pipe, which is read to its end although that takes a while', async () => {
    const path = pipe('slow');
    const writer = await open(path, 'r+'); // as a reader too, so that it needs no other one
    const reading = readPemFile(path);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await writer.write('first, ');
    await new Promise((resolve) => setTimeout(resolve, 30));
    await writer.write('last');
    await new Promise((resolve) => setTimeout(resolve, 30));
    await writer.close();
    expect(await reading).toBe('first, last');
  });

  it('may not be without an end', async () => {
    await expect(readPemFile('/dev/zero')).rejects.toThrow('has more than 4194304 bytes, which is too much for PEM');
  });
});
