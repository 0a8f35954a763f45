import type { Bus } from './bus.js';
import type { Dialect } from './dialect.js';
import type { Outlet } from './outlet.js';
import type { PublicationRun } from './publication-run.js';

/** Carries publications to the other processes of a fleet. */
export interface Uplink {
  /** Whether publications go out. */
  readonly isOpen: boolean;
  /** Whether publishers should wait, because the engine does not take what is published. */
  readonly isSlow: boolean;
  /** Sends a run, or drops and counts it. Its memory is not used any more when this returns. */
  publish(run: PublicationRun): void;
  /** Resolves when publishers do not have to wait. */
  room(): Promise<void>;
}

/**
 * Carries the publications of the primary to the other threads and to the other processes of the fleet. What has come from another
 * process goes to the threads only.
 */
export class FleetOutlet implements Outlet {
  readonly #bus: Bus;
  readonly #uplink: Uplink;

  constructor(bus: Bus, uplink: Uplink) {
    this.#bus = bus;
    this.#uplink = uplink;
  }

  wants(topic: string): boolean {
    return this.#uplink.isOpen || this.#bus.wants(topic);
  }

  deflatedDialectsOf(topic: string): number {
    return this.#bus.deflatedDialectsOf(topic);
  }

  post(runs: readonly PublicationRun[]): void {
    this.#bus.post(runs);
    if (!this.#uplink.isOpen) return;
    for (const run of runs) if (!run.isFromFleet) this.#uplink.publish(run);
  }

  join(topic: string, dialect: Dialect): void {
    this.#bus.join(topic, dialect);
  }

  leave(topic: string, dialect: Dialect): void {
    this.#bus.leave(topic, dialect);
  }

  get isCongested(): boolean {
    return this.#uplink.isSlow || this.#bus.isCongested;
  }

  owes(topic: string): boolean {
    return this.#uplink.isSlow || (this.#bus.isCongested && this.#bus.owes(topic));
  }
}
