/** Instructions and cycles per byte, where `perf stat` can count them: virtual machines often do not let it. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bound } from '../machine.js';
import { COMPILED } from '../paths.js';

/** What one candidate takes for a byte. */
export interface Counters {
  readonly op: 'unmask' | 'validate';
  readonly candidate: string;
  readonly bytes: number;
  readonly instructionsPerByte: number;
  readonly cyclesPerByte: number;
}

export const COUNTED = [
  ['unmask', 'js'],
  ['unmask', 'wasm-scalar'],
  ['unmask', 'wasm'],
  ['unmask', 'bufferutil'],
  ['validate', 'js'],
  ['validate', 'wasm-scalar'],
  ['validate', 'wasm'],
  ['validate', 'isUtf8'],
] as const;

const BYTES = 1024;
const CALLS = { full: 1_000_000, quick: 100_000 };
const EVENTS = ['instructions:u', 'cycles:u'];

/** @returns undefined where they cannot be counted. */
export function countAll(program: string, core: number | undefined, isQuick: boolean): Counters[] | undefined {
  if (counted(['true']) === undefined) return undefined;
  const script = fileURLToPath(new URL('study/count.js', COMPILED));
  const calls = CALLS[isQuick ? 'quick' : 'full'];
  const all: Counters[] = [];
  for (const [op, candidate] of COUNTED) {
    // The difference of two runs has no start-up and no warm-up in it.
    const [once, twice] = [calls, 2 * calls].map((times) =>
      counted(bound([program, script, op, candidate, String(BYTES), String(times)], core)),
    );
    if (once === undefined || twice === undefined) continue;
    const perByte = (event: number) => ((twice[event] as number) - (once[event] as number)) / calls / BYTES;
    all.push({ op, candidate, bytes: BYTES, instructionsPerByte: perByte(0), cyclesPerByte: perByte(1) });
  }
  return all;
}

/** Counts what a command takes: an entry for each event. */
function counted(command: readonly string[]): number[] | undefined {
  try {
    const args = ['-c', 'exec perf stat -x, -e "$0" "$@" 2>&1 >/dev/null', EVENTS.join(','), ...command];
    return parseCounts(execFileSync('sh', args, { encoding: 'utf8' }));
  } catch {
    return undefined; // there is no perf, or the command failed
  }
}

/** Reads what `perf stat -x,` prints. Undefined unless it has counted both events. */
export function parseCounts(text: string): number[] | undefined {
  const counts = EVENTS.map((event) => {
    const line = text.split('\n').find((one) => one.split(',')[2] === event);
    return Number.parseInt(line ?? '', 10);
  });
  return counts.every((count) => count > 0) ? counts : undefined;
}
