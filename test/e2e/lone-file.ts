import { fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The descriptor of a file that nothing else has open, so that whoever gets its number later is told from it. */
export function openLoneFile(): number {
  const folder = mkdtempSync(join(tmpdir(), 'wsloom-lone-'));
  const fd = openSync(join(folder, 'file'), 'w+');
  rmSync(folder, { recursive: true });
  return fd;
}

/** What a descriptor is of, as long as it is open: whoever gets its number later is something else. */
export function identityOf(fd: number): string {
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBADF') return 'closed';
    throw error;
  }
}
