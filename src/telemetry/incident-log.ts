import type { Counters } from './counters.js';
import type { Incident } from './limit-incident.js';
import { withoutParticulars } from './error-text.js';
import type { ThrottledLog } from './throttled-log.js';

/** Counts what the limits do, and reports it: see {@link ThrottledLog}. */
export class Incidents {
  readonly #counters: Counters;
  readonly #log: ThrottledLog;

  constructor(counters: Counters, log: ThrottledLog) {
    this.#counters = counters;
    this.#log = log;
  }

  /**
   * @param who a connection, for the log.
   * @param detail what exactly it has done. Incidents whose details differ in more than numbers and quotations are told apart.
   */
  add(incident: Incident, who: string, detail = ''): void {
    const { counter, what } = incident;
    this.#counters.add(counter, 1);
    const line = detail === '' ? `${who}: ${what}` : `${who}: ${what}: ${detail}`;
    this.#log.throttled('info', detail === '' ? what : `${what}: ${withoutParticulars(detail)}`, line);
  }
}
