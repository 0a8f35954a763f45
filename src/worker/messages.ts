import type { MessagePort } from 'node:worker_threads';
import type { HandOff } from '../host/hand-off.js';
import type { HostOptions } from '../host/host.js';
import type { Report } from '../telemetry/throttled-log.js';

/** What a worker is started with: the argument of its one task. */
export interface WorkerTask {
  /** Everything else that primary and worker tell each other: {@link ToWorker} and {@link FromWorker}. */
  readonly port: MessagePort;
  /** The URL of the handler module. */
  readonly handler: string;
  /** The longest time that it may take to load, in ms. */
  readonly startTimeoutMs: number;
  readonly options: HostOptions;
  /** See {@link Counters}. */
  readonly counters: SharedArrayBuffer;
  /** Whether the primary wants to know which connections are over. */
  readonly reportsClosed: boolean;
  /** What the thread shows of itself to threads that publish: see {@link ThreadLedger}. */
  readonly ledger: SharedArrayBuffer;
  /** See {@link Ownership}. */
  readonly ownership: SharedArrayBuffer;
}

/** How the task ended, if the thread did not. */
export type WorkerResult = { readonly outcome: 'drained' };

/** A hand-off, the worker's if it is still on offer in its slot of the ownership table. */
export interface Offer {
  readonly slot: number;
  readonly handOff: HandOff;
}

export type ToWorker =
  | { readonly type: 'hand-offs'; readonly offers: readonly Offer[] }
  /** Another thread that publications are exchanged with. */
  | { readonly type: 'peer'; readonly port: MessagePort; readonly ledger: SharedArrayBuffer }
  | { readonly type: 'drain'; readonly limitMs: number };

export type FromWorker =
  | { readonly type: 'ready'; readonly kernel: string }
  /** It cannot host anything: its handler or its arena cannot be had, or something else that it needs. The thread ends. */
  | { readonly type: 'unfit'; readonly code: string; readonly message: string }
  /** Connections that are over, by their ids. */
  | { readonly type: 'closed'; readonly ids: readonly number[] }
  | { readonly type: 'log'; readonly report: Report };
