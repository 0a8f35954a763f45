import type { MessagePort } from 'node:worker_threads';
import type { BackplaneState } from '../connection/handler.js';
import type { HandOff } from '../host/hand-off.js';
import type { HostOptions } from '../host/host.js';
import type { MetricsFormat } from '../monitor/metrics-format.js';
import type { Health, RouteOptions } from '../monitor/routes.js';
import type { OpeningTls } from '../opening/accepted-connections.js';
import type { OpeningOptions } from '../opening/opening.js';
import type { EarlyRefusal } from '../opening/places.js';
import type { Report } from '../telemetry/throttled-log.js';
import type { TlsMaterial } from '../tls/tls-material.js';

/** The argument of a worker's one task, with which the worker is started. */
export interface WorkerTask {
  /** The port for all further messages between the primary and the worker: {@link ToWorker} and {@link FromWorker}. */
  readonly port: MessagePort;
  /** The URL of the handler module. */
  readonly handler: string;
  /** The longest time that the module may take to load, in ms. */
  readonly startTimeoutMs: number;
  readonly options: HostOptions;
  /** What the opening handshake in the worker needs; undefined if the primary does all opening handshakes. */
  readonly opening: WorkerOpeningOptions | undefined;
  /** See {@link Counters}. */
  readonly counters: SharedArrayBuffer;
  /** Whether the worker reports the ids of connections that are over. */
  readonly reportsClosed: boolean;
  /** Whether the worker reports which topics have subscribers: the primary gets what other processes publish to these. */
  readonly reportsTopics: boolean;
  /** The figures of the worker that publishing threads read: see {@link ThreadLedger}. */
  readonly ledger: SharedArrayBuffer;
  /** See {@link Ownership}. */
  readonly ownership: SharedArrayBuffer;
}

export interface WorkerOpeningOptions {
  readonly handshake: OpeningOptions;
  readonly routes: RouteOptions;
  /** Undefined if connections are not encrypted. */
  readonly tls: OpeningTls | undefined;
}

/** How the task has ended, unless the thread has died. */
export type WorkerResult = { readonly outcome: 'drained' };

/** A hand-off that is offered to a worker. The worker may take it while its slot of the ownership table says so. */
export type Offer = HandOff & { readonly slot: number };

export type ToWorker =
  /** Since `sinceMs` by the clock that all threads share, the first of them is on its way. */
  | { readonly type: 'hand-offs'; readonly offers: readonly Offer[]; readonly sinceMs: number }
  /** Another thread, to exchange publications with. */
  | { readonly type: 'peer'; readonly port: MessagePort; readonly ledger: SharedArrayBuffer }
  /** Certificates, keys and rules from now on. */
  | { readonly type: 'tls'; readonly material: TlsMaterial }
  /** The address that the server listens on. */
  | { readonly type: 'listening'; readonly host: string }
  /** The answer to one `health` of the worker. */
  | { readonly type: 'health'; readonly health: Health }
  /** The answer to one `metrics` of the worker. */
  | { readonly type: 'metrics'; readonly text: string }
  /** The answer to a `client` of the worker: why it is above the limit of its address; undefined if it is not, and counts. */
  | { readonly type: 'client'; readonly id: number; readonly refusal: EarlyRefusal | undefined }
  /** The last `topics` of the worker is taken: the next one may come. */
  | { readonly type: 'topics-taken' }
  /** The connection to the engine of the fleet is lost or back. */
  | { readonly type: 'backplane'; readonly state: BackplaneState }
  | { readonly type: 'drain'; readonly limitMs: number; readonly spreadMs: number };

export type FromWorker =
  | { readonly type: 'ready'; readonly kernel: string }
  /** The worker cannot host: its handler, its arena, or something else that it needs is missing. The thread ends. */
  | { readonly type: 'unfit'; readonly code: string; readonly message: string }
  /** The ids of connections that are not open any more. */
  | { readonly type: 'closed'; readonly ids: readonly number[] }
  /** Topics that have their first subscriber in this worker now, and topics that have none any more. One is under way at a time. */
  | { readonly type: 'topics'; readonly joined: readonly string[]; readonly left: readonly string[] }
  /** A client asks for the health of the server. */
  | { readonly type: 'health' }
  /** A client asks for the metrics of the server. */
  | { readonly type: 'metrics'; readonly format: MetricsFormat }
  /** A proxy has told the client of a connection, in its request. May there be one more connection of this address? */
  | { readonly type: 'client'; readonly id: number; readonly remoteAddress: string }
  | { readonly type: 'log'; readonly report: Report };
