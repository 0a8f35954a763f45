import type { Counters } from '../connection/counters.js';
import type { Incident } from '../connection/incident.js';
import type { Logger } from './logger.js';

/** Incidents of one kind are told at once, and then at most once in so many ms. */
const TELLING_MS = 1000;

/** What is still to be told of one kind. */
interface Untold {
  times: number;
  last: string;
}

/** Counts what the limits do, and tells it: one line for many alike, so that a flood of peers is no flood of lines. */
export class Incidents {
  readonly #counters: Counters;
  readonly #log: Logger;
  readonly #untold = new Map<Incident, Untold>();
  #timer: NodeJS.Timeout | undefined;

  constructor(counters: Counters, log: Logger) {
    this.#counters = counters;
    this.#log = log;
  }

  /**
   * @param who a connection, for the log.
   * @param detail what exactly it has done.
   */
  add(incident: Incident, who: string, detail = ''): void {
    this.#counters.add(incident.counter, 1);
    const untold = this.#untold.get(incident);
    if (untold !== undefined) {
      untold.times++;
      untold.last = said(who, incident, detail);
      return;
    }
    this.#log.info(said(who, incident, detail));
    this.#untold.set(incident, { times: 0, last: '' });
    this.#timer ??= setTimeout(() => this.#tell(), TELLING_MS).unref();
  }

  #tell(): void {
    this.#timer = undefined;
    for (const [incident, { times, last }] of this.#untold) {
      if (times === 0) {
        this.#untold.delete(incident);
        continue;
      }
      this.#log.info(`${times} times more, last ${last}`);
      this.#untold.set(incident, { times: 0, last: '' });
    }
    if (this.#untold.size > 0) this.#timer = setTimeout(() => this.#tell(), TELLING_MS).unref();
  }
}

function said(who: string, { what }: Incident, detail: string): string {
  return detail === '' ? `${who}: ${what}` : `${who}: ${what}: ${detail}`;
}
