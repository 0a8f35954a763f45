/**
 * A storm of reconnects: a node of a fleet dies, and its clients connect again, to the nodes that are left. A discrete-event simulation,
 * which repeats itself for the same seed.
 *
 * An attempt: the client's SYN comes to a node, any of the living ones with the same chance, and waits for the primary, which takes its
 * part of the CPU time, and then for a worker, which takes the other part. What comes to a full backlog is dropped by the kernel; the
 * client's kernel sends it again after one second, then two, then four. A client that is not connected at its time-out closes, waits as its
 * back-off says, and begins anew. The node notices that only when it has done the work. Ordinary traffic goes first: it takes its share of
 * the CPU, and handshakes take longer accordingly.
 */
import { Agenda } from './agenda.js';
import { FifoServers } from './fifo-servers.js';
import { seededRandom } from './random.js';

/** How long a client waits before an attempt. */
export type BackOff =
  | { readonly kind: 'none' }
  | { readonly kind: 'fixed'; readonly seconds: number }
  /** From 0 to `baseSeconds`, which doubles with each failure up to `capSeconds`: any time of that with the same chance (full jitter). */
  | { readonly kind: 'jitter'; readonly baseSeconds: number; readonly capSeconds: number };

export interface StormOptions {
  /** How many nodes there were. One dies. */
  readonly nodes: number;
  /** The connections of the node that dies. */
  readonly connections: number;
  /** CPU time of the primary for a handshake; the primary is one thread. */
  readonly primaryMicros: number;
  /** CPU time of a worker for a handshake. */
  readonly workerMicros: number;
  /** How many workers a node has that run at the same time. */
  readonly workers: number;
  /** The part (0 to 1, excluded) of the CPU time of each thread that ordinary traffic takes. */
  readonly busyShare: number;
  /** How many connections may wait for the primary. */
  readonly backlog: number;
  /** How many more connections a node takes. Beyond that it refuses, at once and at no cost. Clients without back-off ask after each round trip. */
  readonly spareConnections: number;
  /** How long a client waits for a connection before it gives up: longer than the round trips take. */
  readonly connectTimeoutSeconds: number;
  readonly roundTripMs: number;
  /** How many round trips the network takes: 2 for TCP and the opening handshake, 3 with TLS 1.3. */
  readonly roundTrips: number;
  /** Clients notice the death within this time, each at any moment of it. 0: all at once. */
  readonly noticeSeconds: number;
  readonly backOff: BackOff;
  /** A service that the hook `upgrade` of all nodes asks about each client, one after another. 0: there is none. */
  readonly signInsPerSecond: number;
  /** Whether a question that has not been answered yet is ended when its client has gone or was refused. */
  readonly endsQuestions: boolean;
  /** How long a node waits for that service before it refuses: `handshakeTimeoutMs`. */
  readonly signInTimeoutSeconds: number;
  /** When the simulation ends, even if clients are not back. */
  readonly horizonSeconds: number;
  readonly seed: number;
}

export interface StormResult {
  /** Clients that are connected again at the end. */
  readonly back: number;
  /** When half of all clients, 99 % of them, and all of them are back, in seconds; undefined if they are not at the end. */
  readonly halfSeconds: number | undefined;
  readonly ninetyNineSeconds: number | undefined;
  readonly allSeconds: number | undefined;
  readonly attempts: number;
  /** SYNs that came to a full backlog. */
  readonly dropped: number;
  /** Attempts that a node refused: it was full, or the service did not answer in time. */
  readonly refused: number;
  /** Attempts that the client gave up. */
  readonly timedOut: number;
  /** The connections that the living nodes got, each. */
  readonly perNode: readonly number[];
  /** The CPU use of a primary in its busiest second, and of the workers of a node. 1 is all. */
  readonly primaryPeak: number;
  readonly workerPeak: number;
  /** The CPU time that handshakes took: of clients that came back, and of those that had gone. */
  readonly handshakeCpuSeconds: number;
  /** How long handshakes waited for a worker, on average. */
  readonly workerWaitSeconds: number;
  /** How long a message of another client waited in its worker, at most: for the handshakes that had come before, the current one included. */
  readonly othersWaitMaxSeconds: number;
  /** How long handshakes waited for a primary, at most. */
  readonly primaryWaitMaxSeconds: number;
}

const MICROS = 1e-6;
/** When the kernel sends a SYN again, in seconds after the time before. */
const RETRANSMISSIONS = [1, 2, 4, 8, 16, 32] as const;

/** What comes next for a client. */
const SYN = 0;
const SIGN_IN = 1;

export function simulateStorm(options: StormOptions): StormResult {
  return new Storm(options).run();
}

class Storm {
  readonly #options: StormOptions;
  readonly #random: () => number;
  readonly #agenda: Agenda;
  readonly #nodes: readonly Node[];
  readonly #signIns: FifoServers | undefined;
  readonly #next: Uint8Array;
  readonly #nodeOf: Uint16Array;
  /** When the attempt that is under way began. */
  readonly #begun: Float64Array;
  /** How often the SYN of this attempt was dropped. */
  readonly #drops: Uint8Array;
  readonly #failures: Uint16Array;
  readonly #backAt: Float64Array;
  #waited = 0;
  #longestWait = 0;
  #shaken = 0;
  #back = 0;
  #attempts = 0;
  #dropped = 0;
  #refused = 0;
  #timedOut = 0;

  constructor(options: StormOptions) {
    const { connections, nodes, signInsPerSecond, seed } = options;
    this.#options = options;
    this.#random = seededRandom(seed);
    this.#agenda = new Agenda(connections);
    this.#nodes = Array.from({ length: nodes - 1 }, () => new Node(options));
    this.#signIns = signInsPerSecond > 0 ? new FifoServers(1, 1 / signInsPerSecond) : undefined;
    this.#next = new Uint8Array(connections);
    this.#nodeOf = new Uint16Array(connections);
    this.#begun = new Float64Array(connections);
    this.#drops = new Uint8Array(connections);
    this.#failures = new Uint16Array(connections);
    this.#backAt = new Float64Array(connections).fill(Number.POSITIVE_INFINITY);
  }

  run(): StormResult {
    const { connections, noticeSeconds, horizonSeconds } = this.#options;
    for (let client = 0; client < connections; client++) this.#wait(client, this.#random() * noticeSeconds);
    while (this.#agenda.nextTime <= horizonSeconds) {
      const time = this.#agenda.nextTime;
      const client = this.#agenda.take();
      if (this.#next[client] === SYN) this.#syn(client, time);
      else this.#signIn(client, time);
    }
    return this.#result();
  }

  /** A client begins an attempt when its back-off is over. */
  #wait(client: number, time: number): void {
    const begun = time + backOffSeconds(this.#options.backOff, this.#failures[client] as number, this.#random);
    this.#begun[client] = begun;
    this.#drops[client] = 0;
    this.#nodeOf[client] = Math.floor(this.#random() * this.#nodes.length);
    this.#later(client, SYN, begun + (0.5 * this.#options.roundTripMs) / 1000);
  }

  #later(client: number, next: number, time: number): void {
    this.#next[client] = next;
    this.#agenda.add(time, client);
  }

  #syn(client: number, time: number): void {
    const node = this.#nodeFor(client);
    if (this.#drops[client] === 0) this.#attempts++;
    if (!node.hasBacklog(time)) this.#drop(client, time);
    else if (!node.hasRoom) this.#refuse(client, time);
    else this.#shake(client, node, time);
  }

  #drop(client: number, time: number): void {
    const drops = this.#drops[client] as number;
    this.#dropped++;
    const again = time + (RETRANSMISSIONS[drops] ?? Number.POSITIVE_INFINITY);
    if (again > this.#deadline(client)) this.#giveUp(client);
    else {
      this.#drops[client] = drops + 1;
      this.#later(client, SYN, again);
    }
  }

  #shake(client: number, node: Node, time: number): void {
    const { end, workerWait } = node.shake(time);
    this.#shaken++;
    this.#waited += workerWait;
    this.#longestWait = Math.max(this.#longestWait, workerWait);
    if (this.#answerTo(end) > this.#deadline(client)) this.#giveUp(client);
    else if (this.#signIns === undefined) this.#connect(client, this.#answerTo(end));
    else {
      node.reserved++;
      this.#later(client, SIGN_IN, end);
    }
  }

  #signIn(client: number, time: number): void {
    const signIns = this.#signIns as FifoServers; // this event comes only if there is one
    const { endsQuestions, signInTimeoutSeconds } = this.#options;
    this.#nodeFor(client).reserved--;
    const refused = time + signInTimeoutSeconds;
    const patience = Math.min(refused, this.#deadline(client));
    // The service answers first what was asked before. A question that would begin too late is taken back before that.
    const isAsked = !endsQuestions || Math.max(time, signIns.freeAt) <= patience;
    const end = isAsked ? signIns.enter(time) + signIns.seconds : Number.POSITIVE_INFINITY;
    if (this.#answerTo(Math.min(end, refused)) > this.#deadline(client)) this.#giveUp(client);
    else if (end > refused) this.#refuse(client, refused);
    else this.#connect(client, this.#answerTo(end));
  }

  #nodeFor(client: number): Node {
    return this.#nodes[this.#nodeOf[client] as number] as Node;
  }

  /** When a client has the answer that a node gives at `time`: the other round trips are counted here, all together. */
  #answerTo(time: number): number {
    return time + ((this.#options.roundTrips - 0.5) * this.#options.roundTripMs) / 1000;
  }

  #deadline(client: number): number {
    return (this.#begun[client] as number) + this.#options.connectTimeoutSeconds;
  }

  #connect(client: number, time: number): void {
    this.#nodeFor(client).connected++;
    this.#backAt[client] = time;
    this.#back++;
  }

  #refuse(client: number, time: number): void {
    this.#refused++;
    this.#fail(client, this.#answerTo(time));
  }

  #giveUp(client: number): void {
    this.#timedOut++;
    this.#fail(client, this.#deadline(client));
  }

  #fail(client: number, time: number): void {
    this.#failures[client] = (this.#failures[client] as number) + 1;
    this.#wait(client, time);
  }

  #result(): StormResult {
    const { connections, workerMicros, busyShare } = this.#options;
    const times = this.#backAt.sort();
    const after = (part: number) => {
      const time = times[Math.max(0, Math.ceil(connections * part) - 1)] as number;
      return Number.isFinite(time) ? time : undefined;
    };
    const largest = (read: (node: Node) => number) => this.#nodes.reduce((most, node) => Math.max(most, read(node)), 0);
    return {
      back: this.#back,
      halfSeconds: after(0.5),
      ninetyNineSeconds: after(0.99),
      allSeconds: after(1),
      attempts: this.#attempts,
      dropped: this.#dropped,
      refused: this.#refused,
      timedOut: this.#timedOut,
      perNode: this.#nodes.map(({ connected }) => connected),
      primaryPeak: largest((node) => node.primaryPeak),
      workerPeak: largest((node) => node.workerPeak),
      handshakeCpuSeconds: this.#nodes.reduce((sum, node) => sum + node.cpuSeconds, 0),
      workerWaitSeconds: this.#shaken === 0 ? 0 : this.#waited / this.#shaken,
      othersWaitMaxSeconds: this.#longestWait + (workerMicros * MICROS) / (1 - busyShare),
      primaryWaitMaxSeconds: largest((node) => node.primaryWaitMax),
    };
  }
}

/** How long a client waits before its next attempt, after so many failures. */
export function backOffSeconds(backOff: BackOff, failures: number, random: () => number): number {
  switch (backOff.kind) {
    case 'none':
      return 0;
    case 'fixed':
      return backOff.seconds;
    case 'jitter':
      return random() * Math.min(backOff.capSeconds, backOff.baseSeconds * 2 ** failures);
  }
}

/** A node that lives. */
class Node {
  connected = 0;
  /** Clients that the service is asked about. */
  reserved = 0;
  primaryWaitMax = 0;
  readonly #options: StormOptions;
  readonly #primary: FifoServers;
  readonly #workers: FifoServers;
  /** When those begin that wait for the primary: a ring. */
  readonly #waiting: Float64Array;
  #first = 0;
  #waits = 0;
  /** Seconds of work that began in each second. */
  readonly #primaryLoad: number[] = [];
  readonly #workerLoad: number[] = [];

  constructor(options: StormOptions) {
    const { primaryMicros, workerMicros, workers, busyShare, backlog } = options;
    const stretch = MICROS / (1 - busyShare);
    this.#options = options;
    this.#primary = new FifoServers(1, primaryMicros * stretch);
    this.#workers = new FifoServers(workers, workerMicros * stretch);
    this.#waiting = new Float64Array(backlog);
  }

  get hasRoom(): boolean {
    return this.connected + this.reserved < this.#options.spareConnections;
  }

  get cpuSeconds(): number {
    return (this.#primary.busySeconds + this.#workers.busySeconds) * (1 - this.#options.busyShare);
  }

  get primaryPeak(): number {
    return this.#peak(this.#primaryLoad, 1);
  }

  get workerPeak(): number {
    return this.#peak(this.#workerLoad, this.#options.workers);
  }

  #peak(load: readonly number[], threads: number): number {
    const { busyShare } = this.#options;
    const most = load.reduce((largest, seconds) => Math.max(largest, seconds / threads), 0);
    return busyShare + (1 - busyShare) * Math.min(1, most);
  }

  hasBacklog(time: number): boolean {
    const size = this.#waiting.length;
    while (this.#waits > 0 && (this.#waiting[this.#first] as number) <= time) {
      this.#first = (this.#first + 1) % size;
      this.#waits--;
    }
    return this.#waits < size;
  }

  /** The handshake of a client that has a place in the backlog. */
  shake(time: number): { readonly end: number; readonly workerWait: number } {
    const start = this.#primary.enter(time);
    this.#waiting[(this.#first + this.#waits) % this.#waiting.length] = start;
    this.#waits++;
    this.primaryWaitMax = Math.max(this.primaryWaitMax, start - time);
    note(this.#primaryLoad, start, this.#primary.seconds);
    const handed = start + this.#primary.seconds;
    const begun = this.#workers.enter(handed);
    note(this.#workerLoad, begun, this.#workers.seconds);
    return { end: begun + this.#workers.seconds, workerWait: begun - handed };
  }
}

function note(load: number[], time: number, seconds: number): void {
  const second = Math.floor(time);
  load[second] = (load[second] ?? 0) + seconds;
}
