/**
 * Mixed load on a server with two threads and on one without. At the end both must be in the same state as before: see --help.
 * The actions of clients follow from the seed; their timing does not.
 */
import { parseArgs } from 'node:util';
import type { ServerStats } from '../../dist/index.js';
import { ATTACKS, expectPlaces, flood, reloadBlocked } from './attacks.js';
import { pause } from './peer.js';
import { ProcessorShare } from './processors.js';
import type { Measured } from './protocol.js';
import { attempt, chooseScenario, crash, heaps, SCENARIOS } from './scenarios.js';
import { Service } from './service.js';
import { choices, Disruptions, Tally, type Target, type World } from './world.js';

const HELP = `Usage: npm run soak -- [--minutes N] [--seed S]

  --minutes N   how long, default 2
  --seed S      an integer from 0 to 4294967295, default 1
  --help
`;

/** The scenarios of ordinary clients, and the attacks. */
const MIX = [...SCENARIOS, ...ATTACKS];
const ACTORS = 60;
/** The part of the machine's processors that clients and servers may use together. */
const MAX_PROCESSOR_SHARE = 0.6;
const CRASH_EACH_MS = 15_000;
const RELOAD_EACH_MS = 11_000;
const FLOOD_EACH_MS = 17_000;
const RELOAD_BLOCKED_EACH_MS = 13_000;
/** How long the servers may take to be as before when all clients have left. */
const SETTLE_MS = 20_000;
/** How much the heap of the primary may grow, in bytes: 10 KiB for each module that a reload has loaded. */
const HEAP_TOLERANCE_BYTES = 2 * 1024 * 1024;
/** How much the heap of a worker may grow, compiled code included. */
const THREAD_HEAP_TOLERANCE_BYTES = 4 * 1024 * 1024;
/** How much resident memory attacks may leave, in bytes: touched pages of arenas and chunks of publications. */
const RESIDENT_TOLERANCE_BYTES = 256 * 1024 * 1024;
/** A thread reports a change of its buffered bytes when the change has reached this size. */
const BUFFERED_STEP_BYTES = 64 * 1024;

interface Options {
  readonly minutes: number;
  readonly seed: number;
}

function options(): Options | undefined {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '2' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && Number.isFinite(minutes))) {
    throw new TypeError(`--minutes must be a number above 0, got "${values.minutes}"`);
  }
  const seed = /^\d+$/.test(values.seed) ? Number(values.seed) : -1;
  if (!(seed >= 0 && seed < 2 ** 32)) {
    throw new TypeError(`--seed must be an integer from 0 to 4294967295, got "${values.seed}"`);
  }
  return { minutes, seed };
}

/** One run: a warm-up and the load. After the load, everything must be as at the end of the warm-up. */
class Soak {
  readonly #service: Service;
  readonly #seed: number;
  readonly #tally = new Tally();
  readonly #targets: readonly [threaded: Target, single: Target];
  #delayMs = 20;
  /** The used part of the processors, twice a second. */
  readonly #shares: number[] = [];

  constructor(service: Service, seed: number) {
    this.#service = service;
    this.#seed = seed;
    const [threaded, single] = service.ready.ports;
    const reloads = new Disruptions(); // of both servers at once
    this.#targets = [
      { port: threaded, crashes: new Disruptions(), reloads },
      { port: single, crashes: new Disruptions(), reloads },
    ];
  }

  /** @returns whether all was well. */
  async run(minutes: number): Promise<boolean> {
    await this.#warmUp();
    const before = await this.#settled('before');
    const startedAt = performance.now();
    await this.#load(minutes * 60_000);
    await this.#attack(expectPlaces);
    const loadedMinutes = (performance.now() - startedAt) / 60_000;
    const after = await this.#settled('after');
    this.#compare(before, after);
    this.#compareCounters(after.stats);
    await this.#service.close();
    this.#summarize(before, after, loadedMinutes);
    return this.#tally.errors.size === 0;
  }

  /** Runs everything at least once, so that everything is made that is made at its first use. */
  async #warmUp(): Promise<void> {
    const runs = this.#targets.flatMap((target, t) =>
      MIX.flatMap(([, , scenario], i) =>
        [0, 1].map((k) => attempt(scenario, this.#world(target, choices(this.#seed, 10_000 + t * 1000 + i * 2 + k)))),
      ),
    );
    await Promise.all(runs);
    await this.#crash();
    await this.#reload();
    await this.#load(3000);
  }

  async #load(forMs: number): Promise<void> {
    const until = performance.now() + forMs;
    const share = new ProcessorShare([process.pid, this.#service.process.pid as number]); // it has been started
    const control = setInterval(() => this.#adapt(share.take()), 500);
    const actors = Array.from({ length: ACTORS }, (_, i) => this.#act(i, until));
    const trouble = [
      this.#again(() => this.#alone(() => this.#crash()), CRASH_EACH_MS, until),
      this.#again(() => this.#alone(() => this.#reload()), RELOAD_EACH_MS, until),
      this.#again(() => this.#alone(() => this.#flood()), FLOOD_EACH_MS, until),
      this.#again(() => this.#alone(() => this.#reloadBlocked()), RELOAD_BLOCKED_EACH_MS, until),
    ];
    await Promise.all([...actors, ...trouble]);
    clearInterval(control);
  }

  async #act(actor: number, until: number): Promise<void> {
    const next = choices(this.#seed, actor);
    while (performance.now() < until) {
      await pause(next() * 2 * this.#delayMs);
      const target = this.#targets[next() < 0.65 ? 0 : 1];
      await attempt(chooseScenario(next, MIX), this.#world(target, next));
    }
  }

  #world(target: Target, next: () => number): World {
    return { target, tally: this.#tally, next };
  }

  #disruption: Promise<void> = Promise.resolve();

  async #again(what: () => Promise<void>, eachMs: number, until: number): Promise<void> {
    for (;;) {
      const left = until - performance.now();
      if (left <= eachMs) {
        await pause(Math.max(0, left));
        return;
      }
      await pause(eachMs);
      await what();
    }
  }

  /** Disruptions come one after the other: a worker that drains does not read what is to crash it. */
  #alone(disrupt: () => Promise<void>): Promise<void> {
    this.#disruption = this.#disruption.then(disrupt);
    return this.#disruption;
  }

  /** Ends a worker, and waits until there is another in its place. */
  async #crash(): Promise<void> {
    const [threaded] = this.#targets;
    await threaded.crashes.during(async () => {
      const before = (await this.#stats())[0].workersLost;
      await attempt(
        crash,
        this.#world(threaded, () => 0),
      );
      await this.#until('a worker to be replaced', async () => {
        const [{ workersLost, threads }] = await this.#stats();
        return workersLost > before && threads.filter(({ isTaking }) => isTaking).length >= 2;
      });
    });
  }

  async #reload(): Promise<void> {
    if (!this.#service.ready.canReload) return;
    await this.#targets[0].reloads.during(() => this.#service.reload());
    this.#tally.reloads++;
  }

  /** Runs an attack that no disruption may end. */
  async #attack(what: (world: World) => Promise<void>): Promise<void> {
    await attempt(
      what,
      this.#world(this.#targets[0], () => 0),
    );
  }

  #flood(): Promise<void> {
    const pid = this.#service.process.pid as number; // it has been started
    return this.#attack(function floodOfPublications(world) {
      return flood(world, pid);
    });
  }

  /** A reload while a worker is blocked. */
  async #reloadBlocked(): Promise<void> {
    if (!this.#service.ready.canReload) return;
    const reload = () => this.#reload();
    await this.#attack(function reloadWithBlockedWorker(world) {
      return reloadBlocked(world, reload);
    });
  }

  /** Lets clients wait for longer, or less long, between one thing and the next. */
  #adapt(share: number): void {
    this.#shares.push(share);
    this.#delayMs = Math.min(Math.max(this.#delayMs * (share > MAX_PROCESSOR_SHARE ? 1.3 : 0.9), 5), 5000);
  }

  async #stats(): Promise<readonly [ServerStats, ServerStats]> {
    const [threaded, single] = await this.#service.stats();
    return [threaded as ServerStats, single as ServerStats]; // there are two servers
  }

  async #until(what: string, holds: () => Promise<boolean>, found?: () => Promise<string>): Promise<void> {
    const deadline = performance.now() + SETTLE_MS;
    while (!(await holds())) {
      if (performance.now() > deadline) {
        this.#tally.error('timeout', `waited in vain for ${what}${found === undefined ? '' : `: ${await found()}`}`);
        return;
      }
      await pause(50);
    }
  }

  /** Waits until nothing of the load is left, and measures. */
  async #settled(when: string): Promise<State> {
    for (const [i, target] of this.#targets.entries()) {
      const statsOf = async () => (await this.#stats())[i] as ServerStats;
      await this.#until(
        `server ${i} to be idle, ${when}`,
        async () => isIdle(await statsOf()),
        async () => JSON.stringify(idleness(await statsOf())),
      );
      if (target.port === 0) throw new Error('a server does not listen');
    }
    const threadHeaps = await heaps(this.#world(this.#targets[0], () => 0));
    await this.#until(`all to be idle, ${when}`, async () => (await this.#stats()).every(isIdle));
    const descriptors = async () => (await this.#service.measure()).descriptors;
    // Sockets that fetch keeps open, and threads that a reload has replaced, go by themselves.
    let last = await descriptors();
    await this.#until(`the descriptors to be at rest, ${when}`, async () => {
      await pause(5000);
      const now = await descriptors();
      const isAtRest = now === last;
      last = now;
      return isAtRest;
    });
    return { measured: await this.#service.measure(), threadHeaps, stats: await this.#stats() };
  }

  #compare(before: State, after: State): void {
    const tally = this.#tally;
    const { descriptors, heapBytes, unexpectedLines } = after.measured;
    if (descriptors !== before.measured.descriptors) {
      tally.error('descriptors', `${descriptors} instead of ${before.measured.descriptors}`);
    }
    if (after.measured.residentBytes > before.measured.residentBytes + RESIDENT_TOLERANCE_BYTES) {
      const [from, to] = [before, after].map(({ measured }) => mebibytes(measured.residentBytes));
      tally.error('memory', `${to} are resident instead of ${from}`);
    }
    if (heapBytes > before.measured.heapBytes + HEAP_TOLERANCE_BYTES) {
      tally.error('heap', `${mebibytes(heapBytes)} instead of ${mebibytes(before.measured.heapBytes)}`);
    }
    const greatest = Math.max(...before.threadHeaps);
    for (const heap of after.threadHeaps) {
      if (heap <= greatest + THREAD_HEAP_TOLERANCE_BYTES) continue;
      tally.error('heap', `a worker has ${mebibytes(heap)} instead of ${mebibytes(greatest)}`);
    }
    for (const line of unexpectedLines) tally.error('log', line);
  }

  /** Compares the counters of the servers with the actions of the clients. */
  #compareCounters(stats: readonly [ServerStats, ServerStats]): void {
    const { asked, confirmed, crashes, disrupted } = this.#tally;
    const sum = (of: (stats: ServerStats) => number) => stats.reduce((total, each) => total + of(each), 0);
    this.#between(
      'handlerErrors',
      sum((of) => of.handlerErrors),
      confirmed.handlerErrors,
      asked.handlerErrors,
    );
    this.#between(
      'protocolErrors',
      sum((of) => of.protocolErrors),
      confirmed.protocolErrors,
      asked.protocolErrors,
    );
    const slow = sum((of) => of.limits.slowConsumers);
    this.#between('slowConsumers', slow, confirmed.slowConsumers, asked.slowConsumers);
    this.#between('workersLost', stats[0].workersLost, crashes, crashes);
    this.#between('workersLost without threads', stats[1].workersLost, 0, 0);
    const { connectionsLost } = stats[0];
    if (!this.#service.ready.canReload && disrupted > connectionsLost) {
      this.#tally.error(
        'lost',
        `${disrupted} clients lost their connection, but ${connectionsLost} were with a worker`,
      );
    }
    for (const [i, { limits }] of stats.entries()) {
      const { slowConsumers: _, refusedHandshakes: __, ...others } = limits;
      // Limits that the attacks must meet.
      const attacked = {
        refusedAddresses: 0,
        refusedUnanswered: 0,
        stalls: 0,
        droppedPublications: 0,
        slowThreads: 0,
        missedPublications: 0,
        refusedUnavailable: 0, // while the workers die
      };
      Object.assign(others, attacked);
      for (const [name, count] of Object.entries(others)) this.#between(`${name} of server ${i}`, count, 0, 0);
    }
  }

  #between(what: string, count: number, least: number, most: number): void {
    if (count >= least && count <= most) return;
    this.#tally.error('counters', `${what}: ${count}, clients have seen ${least} and asked for ${most}`);
  }

  #summarize(before: State, after: State, minutes: number): void {
    const t = this.#tally;
    const mean = this.#shares.reduce((sum, share) => sum + share, 0) / this.#shares.length;
    const errors = [...t.errors].map(([kind, count]) => `${kind}: ${count}`);
    const [from, to] = [before.measured, after.measured];
    console.log(
      `At the end: ${to.descriptors} descriptors (before: ${from.descriptors}), heap ${mebibytes(to.heapBytes)} (${mebibytes(from.heapBytes)}), ` +
        `of workers ${after.threadHeaps.map(mebibytes).join(' and ')} (${before.threadHeaps.map(mebibytes).join(' and ')}), ` +
        'no connections, no upgrades under way, nothing in the arenas, nothing buffered.',
    );
    console.log(
      `Resident: ${mebibytes(to.residentBytes)} (${mebibytes(from.residentBytes)}). Pages of arenas that were touched stay resident, by design; what malloc keeps of freed memory was given back before.`,
    );
    console.log(
      [
        `soak: seed ${this.#seed}, ${minutes.toFixed(1)} min, ${Math.round(mean * 100)} % of the processors`,
        `${t.connections} connections, ${t.messages} messages, ${t.publications} of them publications`,
        `${t.bytesChecked} bytes checked, ${t.resets} resets`,
        `${t.crashes} crashes, ${t.reloads} reloads${this.#service.ready.canReload ? '' : ' (this server has none)'}`,
        `${t.disrupted} scenarios ended by them, ${t.attacks} attacks`,
        `errors: ${errors.length === 0 ? 'none' : errors.join(', ')}`,
      ].join('; '),
    );
  }
}

/** The servers when nothing happens. */
interface State {
  readonly measured: Measured;
  readonly threadHeaps: readonly number[];
  readonly stats: readonly [ServerStats, ServerStats];
}

/** Figures that must be 0 when nothing happens. */
const idleness = ({ connections, pendingUpgrades, arenaBytes, bufferedBytes }: ServerStats) => ({
  connections,
  pendingUpgrades,
  arenaBytes,
  bufferedBytes,
});

function isIdle(stats: ServerStats): boolean {
  const { connections, pendingUpgrades, arenaBytes, bufferedBytes } = idleness(stats);
  const tolerance = BUFFERED_STEP_BYTES * Math.max(1, stats.threads.length);
  return connections === 0 && pendingUpgrades === 0 && arenaBytes === 0 && Math.abs(bufferedBytes) < tolerance;
}

const mebibytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

async function main(): Promise<number> {
  let chosen: Options | undefined;
  try {
    chosen = options();
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (chosen === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  const service = await Service.start();
  const isWell = await new Soak(service, chosen.seed).run(chosen.minutes);
  return isWell ? 0 : 1;
}

process.exitCode = await main();
