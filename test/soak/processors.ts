import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Ticks per second of the processor times in /proc (`getconf CLK_TCK`): the same on all common systems. */
const TICKS_PER_SECOND = 100;

/** The part of the machine's processors that some processes have used since the last call: from 0 to 1. */
export class ProcessorShare {
  readonly #pids: readonly number[];
  #usedSeconds: number;
  #at = performance.now();

  constructor(pids: readonly number[]) {
    this.#pids = pids;
    this.#usedSeconds = this.#used();
  }

  take(): number {
    const used = this.#used();
    const now = performance.now();
    const share = (used - this.#usedSeconds) / ((now - this.#at) / 1000) / availableParallelism();
    this.#usedSeconds = used;
    this.#at = now;
    return share;
  }

  #used(): number {
    return this.#pids.reduce((sum, pid) => sum + processorSeconds(pid), 0);
  }
}

function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name, in parentheses, may have spaces in it; utime and stime are the 14th and 15th fields of all (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
