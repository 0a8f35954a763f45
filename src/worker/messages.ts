import type { MessagePort } from 'node:worker_threads';
import type { HandOff } from '../host/hand-off.js';
import type { HostOptions } from '../host/host.js';
import type { Report } from '../telemetry/throttled-log.js';

/** The argument of a worker's one task, with which the worker is started. */
export interface WorkerTask {
  /** The port for all further messages between the primary and the worker: {@link ToWorker} and {@link FromWorker}. */
  readonly port: MessagePort;
  /** The URL of the handler module. */
  readonly handler: string;
  /** The longest time that the module may take to load, in ms. */
  readonly startTimeoutMs: number;
  readonly options: HostOptions;
  /** See {@link Counters}. */
  readonly counters: SharedArrayBuffer;
  /** Whether the worker reports the ids of connections that are over. */
  readonly reportsClosed: boolean;
  /** The figures of the worker that publishing threads read: see {@link ThreadLedger}. */
  readonly ledger: SharedArrayBuffer;
  /** See {@link Ownership}. */
  readonly ownership: SharedArrayBuffer;
}

/** How the task has ended, unless the thread has died. */
export type WorkerResult = { readonly outcome: 'drained' };

/** A hand-off that is offered to a worker. The worker may take it while its slot of the ownership table says so. */
export interface Offer extends HandOff {
  readonly slot: number;
}

export type ToWorker =
  | { readonly type: 'hand-offs'; readonly offers: readonly Offer[] }
  /** Another thread, to exchange publications with. */
  | { readonly type: 'peer'; readonly port: MessagePort; readonly ledger: SharedArrayBuffer }
  | { readonly type: 'drain'; readonly limitMs: number };

export type FromWorker =
  | { readonly type: 'ready'; readonly kernel: string }
  /** The worker cannot host: its handler, its arena, or something else that it needs is missing. The thread ends. */
  | { readonly type: 'unfit'; readonly code: string; readonly message: string }
  /** The ids of connections that are not open any more. */
  | { readonly type: 'closed'; readonly ids: readonly number[] }
  | { readonly type: 'log'; readonly report: Report };
