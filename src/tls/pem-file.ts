import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as pass } from 'node:timers/promises';

/** Files beyond this are no certificates. A bundle of all public authorities has about 250 KiB. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** How long a pipe may take until its end, in ms, and how often it is looked at. */
const PIPE_MS = 5000;
const LOOK_MS = 20;

/**
 * Reads a file, or a pipe to its end (`--tls-key <(command)`). It does not wait for what may never come: a pipe to which nobody writes
 * would otherwise hold one of the few threads that Node has for files, and all later reloads.
 * @throws RangeError (rejects) if it is too large, or a pipe that does not end; errors of the file system.
 */
export async function readPemFile(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size } = await file.stat();
    if (size > MAX_FILE_BYTES) throw new RangeError(`has ${size} bytes, which is too much for PEM`);
    return await readToEnd(file);
  } finally {
    await file.close();
  }
}

async function readToEnd(file: FileHandle): Promise<string> {
  const bytes = Buffer.alloc(MAX_FILE_BYTES + 1);
  const endMs = performance.now() + PIPE_MS;
  let length = 0;
  while (length < bytes.length) {
    const read = await readSome(file, bytes, length);
    if (read === 0) return bytes.toString('utf8', 0, length);
    if (read > 0) length += read;
    else if (performance.now() > endMs) throw new RangeError(`is a pipe that has not ended after ${PIPE_MS / 1000} s`);
    else await pass(LOOK_MS);
  }
  throw new RangeError(`has more than ${MAX_FILE_BYTES} bytes, which is too much for PEM`);
}

/** @returns how many bytes were read, 0 at the end, -1 if none have come yet. */
async function readSome(file: FileHandle, bytes: Buffer, start: number): Promise<number> {
  try {
    return (await file.read(bytes, start, bytes.length - start)).bytesRead;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return -1;
    throw error;
  }
}
