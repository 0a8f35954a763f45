import { readFileSync } from 'node:fs';

/** Measures how busy a core is, whatever runs on it: a server that does not get its core is not slow. */
export class CoreWatch {
  readonly #core: number;
  readonly #start: Ticks;

  constructor(core: number) {
    this.#core = core;
    this.#start = this.#now();
  }

  /** The part (0 to 1) of the core's time since the watch began that processes used or the host took. */
  busyShare(): number {
    const { all, busy } = this.#now();
    return all === this.#start.all ? 0 : (busy - this.#start.busy) / (all - this.#start.all);
  }

  #now(): Ticks {
    return coreTicks(readFileSync('/proc/stat', 'utf8'), this.#core);
  }
}

/** Ticks since the start of the system. */
interface Ticks {
  readonly all: number;
  /** Interrupts are left out: they are mostly those of the load. */
  readonly busy: number;
}

/** The ticks of a core, from /proc/stat: see proc_stat(5). */
export function coreTicks(stat: string, core: number): Ticks {
  const line = stat.split('\n').find((text) => text.startsWith(`cpu${core} `)) ?? '';
  const ticks = line.split(/\s+/).slice(1, 9).map(Number);
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = ticks;
  return { all: ticks.reduce((sum, value) => sum + value, 0), busy: user + nice + system + steal };
}
