import { TIMEOUT } from './failures.js';
import { Latency } from './latency.js';

/** What a thread has counted, as it is posted. */
export interface EncodedTally {
  readonly messages: number;
  readonly opened: number;
  readonly failed: number;
  readonly lost: number;
  readonly timeouts: number;
  readonly deflated: number;
  readonly deflatedBytes: number;
  readonly answerBytes: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly closes: Readonly<Record<string, number>>;
  readonly latency: string;
  /** How long the measurement took, in ms. */
  readonly elapsedMs: number;
  /** The load of the thread's event loop meanwhile: 1 is no rest. */
  readonly utilization: number;
  /** The CPU time of the process meanwhile, per second: 1 is one core. */
  readonly cpu: number;
}

/**
 * What is counted, in one thread or in all. Messages and latencies are those of the measurement; errors and how connections
 * have ended count from beginning to end.
 */
export class Tally {
  readonly latency = new Latency();
  /** Messages that were answered as they should; in 'connect', connections. */
  messages = 0;
  /** Connections that were opened. */
  opened = 0;
  /** Connections that could not be opened. */
  failed = 0;
  /** Connections that were opened, and that we did not close. */
  lost = 0;
  /** Messages, and handshakes, that were not answered in time. */
  timeouts = 0;
  /** Connections on which compression was agreed on. */
  deflated = 0;
  /** How many bytes a message had on those as it was sent; 0 if there were none, … */
  deflatedBytes = 0;
  /** … and how many an answer had. With context takeover it is the last one that was noted. */
  answerBytes = 0;
  elapsedMs = 0;
  /** That of the busiest thread. */
  utilization = 0;
  cpu = 0;
  readonly errors = new Map<string, number>();
  readonly closes = new Map<string, number>();

  get errorCount(): number {
    let total = 0;
    for (const count of this.errors.values()) total += count;
    return total;
  }

  /** Counts errors by their kind; those whose kind begins with {@link TIMEOUT} are timeouts. */
  error(kind: string, count = 1): void {
    if (count === 0) return;
    if (kind.startsWith(TIMEOUT)) this.timeouts += count;
    add(this.errors, kind, count);
  }

  close(code: number): void {
    add(this.closes, String(code), 1);
  }

  /** The measurement begins. */
  restart(): void {
    this.messages = 0;
    this.latency.reset();
  }

  encode(): EncodedTally {
    const { messages, opened, failed, lost, timeouts, deflated, deflatedBytes, answerBytes } = this;
    const { elapsedMs, utilization, cpu } = this;
    const [errors, closes] = [Object.fromEntries(this.errors), Object.fromEntries(this.closes)];
    const latency = this.latency.encode();
    const connections = { opened, failed, lost, timeouts, deflated, deflatedBytes, answerBytes };
    return { messages, ...connections, elapsedMs, utilization, cpu, errors, closes, latency };
  }

  /** Adds what another thread has counted. */
  add(other: EncodedTally): void {
    this.messages += other.messages;
    this.opened += other.opened;
    this.failed += other.failed;
    this.lost += other.lost;
    this.timeouts += other.timeouts;
    this.deflated += other.deflated;
    this.deflatedBytes = Math.max(this.deflatedBytes, other.deflatedBytes);
    this.answerBytes = Math.max(this.answerBytes, other.answerBytes);
    this.elapsedMs = Math.max(this.elapsedMs, other.elapsedMs);
    this.utilization = Math.max(this.utilization, other.utilization);
    this.cpu = Math.max(this.cpu, other.cpu);
    for (const [kind, count] of Object.entries(other.errors)) add(this.errors, kind, count);
    for (const [code, count] of Object.entries(other.closes)) add(this.closes, code, count);
    this.latency.add(other.latency);
  }
}

function add(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}
