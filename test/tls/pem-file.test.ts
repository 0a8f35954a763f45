import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
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

it.runIf(process.platform === 'linux')('closes a file that was read, and one that is too large', async () => {
  const [read, large] = ['read.pem', 'large.pem'].map((name) => join(folder, name)) as [string, string];
  writeFileSync(read, 'x');
  writeFileSync(large, 'x'.repeat(4_194_305));
  await readPemFile(read);
  await expect(readPemFile(large)).rejects.toThrow('has 4194305 bytes');
  const opened = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // it was that of the list
    }
  });
  expect(opened.filter((path) => path === read || path === large)).toEqual([]);
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

  it('may be a pipe that ends within 5 s, and is not waited for any longer', async () => {
    const path = pipe('endless');
    const writer = await open(path, 'r+');
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      let isOver = false;
      const reading = readPemFile(path).finally(() => {
        isOver = true;
      });
      const refused = expect(reading).rejects.toThrow('is a pipe that has not ended after 5 s');
      for (const elapsedMs of [0, 5000]) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        vi.advanceTimersByTime(elapsedMs);
        await new Promise((resolve) => setTimeout(resolve, 30));
        expect(isOver).toBe(false);
      }
      vi.advanceTimersByTime(1);
      await refused;
    } finally {
      vi.useRealTimers();
      await writer.close();
    }
  });

  it('may not be without an end', async () => {
    await expect(readPemFile('/dev/zero')).rejects.toThrow('has more than 4194304 bytes, which is too much for PEM');
  });
});
