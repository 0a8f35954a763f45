import type { BackplaneState } from '../connection/handler.js';
import type { BackplaneHealth } from '../monitor/routes.js';
import type { ThrottledLog } from '../telemetry/throttled-log.js';

export interface EngineStatesOptions {
  /** What each engine is called. */
  readonly names: readonly string[];
  readonly log: ThrottledLog;
  /** Whether publications are kept for an engine that is lost. */
  readonly keeps: boolean;
  /** Tells the application that an engine is lost, or that all are back: in turn, `lost` first. */
  readonly onChange: (state: BackplaneState) => void;
}

interface Engine {
  readonly name: string;
  /** It is `starting` until it is known whether it can be reached. */
  state: 'starting' | 'connected' | 'lost';
  /** Since when it is in this state, by `performance.now()`. */
  since: number;
}

/** Whether the engines of a fleet are connected, and who is told: the log of each change, the application of the first loss and the last return. */
export class EngineStates {
  readonly #options: EngineStatesOptions;
  readonly #engines: readonly Engine[];
  #isLost = false;

  constructor(options: EngineStatesOptions) {
    this.#options = options;
    const since = performance.now();
    this.#engines = options.names.map((name) => ({ name, state: 'starting', since }));
  }

  /** An engine is connected or lost, unless that is known. @param why the reason of a loss. */
  note(index: number, state: 'connected' | 'lost', why: string | undefined): void {
    const engine = this.#engines[index] as Engine; // there is one for each session
    const { state: before, since } = engine;
    if (before === state) return;
    engine.state = state;
    engine.since = performance.now();
    if (state === 'lost') this.#logLoss(engine, before, why);
    else this.#logReturn(engine, before, engine.since - since);
    const isLost = this.#engines.some((one) => one.state === 'lost');
    if (isLost === this.#isLost) return;
    this.#isLost = isLost;
    this.#options.onChange(isLost ? 'lost' : 'back');
  }

  /** The start of the server waits for an engine. @param leftMs for how long at most. */
  noteWaiting(index: number, why: string, leftMs: number): void {
    const { name } = this.#engines[index] as Engine; // there is one for each session
    const seconds = Math.round(leftMs / 1000);
    this.#options.log.info(
      `backplane ${name}: not reached yet: ${why}; the server waits for it, for ${seconds} s at most`,
    );
  }

  #logLoss({ name }: Engine, before: Engine['state'], why: string | undefined): void {
    const { log, keeps } = this.#options;
    const what = before === 'starting' ? 'cannot be reached' : 'lost';
    const meanwhile = keeps
      ? 'publications to other servers are kept, up to maxBackplaneBytes'
      : 'nothing goes to other servers';
    log.warn(
      `backplane ${name}: ${what}${why === undefined ? '' : `: ${why}`}; trying again, and until it is there ${meanwhile}`,
    );
  }

  #logReturn({ name }: Engine, before: Engine['state'], lostMs: number): void {
    const after = before === 'starting' ? '' : ` again after ${Math.round(lostMs / 1000)} s`;
    this.#options.log.info(`backplane ${name}: connected${after}`);
  }

  isConnected(index: number): boolean {
    return this.#engines[index]?.state === 'connected';
  }

  /** What the application was told last. A thread that starts meanwhile has to be told. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Whether one of the engines is not connected. */
  get isDegraded(): boolean {
    return this.#engines.some(({ state }) => state !== 'connected');
  }

  get health(): readonly BackplaneHealth[] {
    const now = performance.now();
    return this.#engines.map(({ name, state, since }) => ({
      name,
      state: state === 'connected' ? 'connected' : 'lost',
      seconds: Math.round((now - since) / 1000),
    }));
  }
}
