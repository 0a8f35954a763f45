import { closeSync, readSync } from 'node:fs';
import koffi from 'koffi';
import { expect, onTestFinished } from 'vitest';

/** A terminal for another process, which can be stopped as by Ctrl-S. */
export function openTerminal() {
  const system = koffi.load(null);
  const openpty = system.func('int openpty(_Out_ int *ours, _Out_ int *theirs, void *name, void *modes, void *size)');
  const tcflow = system.func('int tcflow(int fd, int action)');
  const [ours, theirs] = [[0], [0]] as [[number], [number]];
  expect(openpty(ours, theirs, null, null, null)).toBe(0);
  onTestFinished(() => {
    for (const fd of [...ours, ...theirs]) closeSync(fd);
  });
  const [TCOOFF, TCOON] = [0, 1];
  return {
    fd: theirs[0],
    stop: () => void tcflow(theirs[0], TCOOFF),
    goOn: () => void tcflow(theirs[0], TCOON),
    /** Waits for something. */
    read: () => {
      const buffer = Buffer.alloc(4096);
      return buffer.toString('latin1', 0, readSync(ours[0], buffer));
    },
  };
}
