import type { Counters } from './counters.js';
import { withoutParticulars } from './error-text.js';
import type { LimitIncident } from './limit-incident.js';
import type { ThrottledLog } from './throttled-log.js';

/** Counts what the limits do, and reports it: see {@link ThrottledLog}. */
export class IncidentLog {
  /** The figures of this thread. */
  readonly counters: Counters;
  readonly #log: ThrottledLog;

  constructor(counters: Counters, log: ThrottledLog) {
    this.counters = counters;
    this.#log = log;
  }

  /**
   * Counts one incident, and reports it.
   * @param connection its name, for the log.
   * @param detail what exactly it has done. Incidents whose details differ in more than numbers and quotations are kept apart.
   */
  add(incident: LimitIncident, connection: string, detail = ''): void {
    const { counter, what } = incident;
    this.counters.add(counter, 1);
    const line = detail === '' ? `${connection}: ${what}` : `${connection}: ${what}: ${detail}`;
    this.#log.throttled('info', detail === '' ? what : `${what}: ${withoutParticulars(detail)}`, line);
  }
}
