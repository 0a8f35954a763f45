import { allCases } from './all-cases.js';
import { browserCases } from './browser-cases.js';
import { serversOf } from './end-to-end.js';
import { LEAST_ROUNDS } from './gate.js';

/** How much a run measures, and how long that takes. */
export interface Plan {
  /** How many times each engine measures all cases, each time in a process of its own. */
  readonly kernelRounds: number;
  readonly serverRounds: number;
  /** How long a server is measured, and warms up before, in seconds. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

const FULL: Plan = {
  kernelRounds: LEAST_ROUNDS.kernels,
  serverRounds: LEAST_ROUNDS.servers,
  seconds: 0.6,
  warmUpSeconds: 0.6,
};
const QUICK: Plan = { kernelRounds: 3, serverRounds: 2, seconds: 0.25, warmUpSeconds: 0.2 };

export function planOf(isQuick: boolean): Plan {
  return isQuick ? QUICK : FULL;
}

/**
 * What a process, a case and a turn of a server take beside what is measured, in seconds: measured on the machine of STUDY.md. A case that
 * allocates takes `more`, the questions of a round are `asks`, `loop` is a round of the framing loop, and `check` a run of the second program.
 */
const COST = {
  full: { process: 18, perCase: 0.011, more: 0.006, asks: 2.5, turn: 0.35, loop: 6, check: 25, others: 60 },
  quick: { process: 5, perCase: 0.0045, more: 0.008, asks: 2.5, turn: 0.35, loop: 2.5, check: 25, others: 30 },
};

/** How many batches a cold case has, and how long it takes to write to a byte of the memory that fills the caches. */
const COLD_BATCHES = 3;
const SECONDS_TO_FILL = 1.1e-10;

/** The same of a browser: most of it are batches, of which a quick run has as many. */
const BROWSER_COST = { process: 7, perCase: 0.24 };

/**
 * About how many seconds a run takes.
 * @param cacheBytes the size of the last cache, which is filled before each cold batch
 * @param programs how many engines are programs: versions of Node, and Bun
 * @param browsers how many are browsers, which measure other cases
 */
export function secondsOf(
  plan: Plan,
  isQuick: boolean,
  cacheBytes: number,
  programs: number,
  hasServers: boolean,
  browsers = 0,
): number {
  const { process, perCase, more, asks, turn, loop, check, others } = COST[isQuick ? 'quick' : 'full'];
  const cases = allCases(isQuick);
  const allocating = cases.filter(({ candidate }) => candidate.allocates === true).length;
  const cold = cases.filter(({ group }) => group.pattern === 'cold').length;
  const filling = cold * COLD_BATCHES * 2 * cacheBytes * SECONDS_TO_FILL;
  const ofProgram = process + asks + perCase * cases.length + more * allocating + filling;
  const ofBrowser = BROWSER_COST.process + BROWSER_COST.perCase * browserCases(isQuick).length;
  const kernels = plan.kernelRounds * (programs * ofProgram + browsers * ofBrowser);
  const turns = plan.serverRounds * serversOf(isQuick).length;
  const onNode = programs === 0 ? 0 : plan.kernelRounds * loop + Math.min(programs, 2) * check;
  return kernels + onNode + others + (hasServers ? turns * (plan.seconds + plan.warmUpSeconds + turn) : 0);
}
