import { closeSync, openSync, readSync } from 'node:fs';

const KIB = 1024;
const FIRST_BYTES = 64 * KIB;

/**
 * Reads a file whose size nobody vouches for: a pipe, or a device that never ends.
 * @returns undefined if it has more than `maxBytes`. No more than that is read.
 * @throws the error of the system.
 */
export function readFileUpTo(path: string, maxBytes: number): Buffer | undefined {
  const fd = openSync(path, 'r');
  try {
    let bytes = Buffer.allocUnsafe(Math.min(FIRST_BYTES, maxBytes + 1));
    let length = 0;
    for (;;) {
      const read = readSync(fd, bytes, length, bytes.length - length, null);
      if (read === 0) return bytes.subarray(0, length);
      length += read;
      if (length > maxBytes) return undefined;
      if (length < bytes.length) continue;
      const larger = Buffer.allocUnsafe(Math.min(2 * length, maxBytes + 1));
      bytes.copy(larger);
      bytes = larger;
    }
  } finally {
    closeSync(fd);
  }
}
