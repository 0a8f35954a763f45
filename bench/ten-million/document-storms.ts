/** The chapter about the death of a node. */
import { list, markdownTable } from '../study/markdown.js';
import { type BackOffName, SIGN_INS_PER_SECOND, STORM } from './assumptions.js';
import type { Handshake } from './figures-file.js';
import { JITTER, type SimulatedStorm, type Simulation, SPREAD, type StormScenario } from './scenarios.js';
import { count, percent, rough, STORM_HEAD, stormName, stormRow } from './tables.js';

type Storms = readonly SimulatedStorm[];

export function storms({ storms: all }: Simulation): string {
  const table = (some: Storms) =>
    markdownTable(
      STORM_HEAD,
      some.map((one) => stormRow(stormName(one), one.options.connections, one.result)),
    );
  const ofFleet = (fleet: StormScenario['fleet']) =>
    table(all.filter((one) => one.fleet === fleet && one.signIn === 'none'));
  const ofSignIn = (signIn: StormScenario['signIn']) => table(all.filter((one) => one.signIn === signIn));
  return `## When a node dies

A node of a fleet that has ten million idle connections, with one process on each, dies, and its clients connect again to the others. \`npm run ten-million:simulate\` lets them
do so one by one ([storm.ts](../bench/ten-million/storm.ts) says how). CPU times are measured, and handshakes of TLS are full ones. These are assumed:

${list(ASSUMED)}

With descriptors as Linux comes (${sizeOf(all, 'many nodes')}):

${ofFleet('many nodes')}

With \`fs.nr_open\` raised, which makes fewer, larger nodes (${sizeOf(all, 'few nodes')}):

${ofFleet('few nodes')}

*Given up or refused* are attempts of all clients together. *Busiest* is the CPU use of a thread in its busiest second. Clients that are
connected hardly notice: a worker does what has come in turn, and no message waited for handshakes for more than ${rough(longestWaitMs(all))} ms in any of these.

${aboutStorms(all)}

**With a service that all nodes ask** about each client, from the hook \`upgrade\`: it answers ${count(SIGN_INS_PER_SECOND)} questions a second for the whole fleet (assumed), and a
node waits for an answer for at most ${STORM.signInTimeoutSeconds} s. Questions that nobody waits for any more are answered all the same:

${ofSignIn('asked')}

The same, but a node takes back a question that nobody waits for any more:

${ofSignIn('asked and ended')}

${aboutSignIns(all)}

One storm of your own: \`npm run ten-million:simulate -- storm --handshake tls --nodes 5 --connections 2000000 --back-off 1-30 --sign-ins 20000\`.`;
}

const ASSUMED = [
  `Ordinary traffic takes ${percent(STORM.busyShare)} of each thread, and goes first.`,
  `${count(STORM.backlog)} connections may wait for a primary. The kernel drops the SYNs of others, and their clients send them again after 1, 3 and 7 s.`,
  `A client gives up after ${STORM.connectTimeoutSeconds} s, and begins anew. A round trip takes ${STORM.roundTripMs} ms.`,
  `If a process dies, its clients know within ${STORM.processDeathSeconds} s. If a machine dies, within ${STORM.machineDeathSeconds} s, because only silence tells them.`,
  'Clients come back *at once*; or *after 1 s*, all of them; or *with full jitter*, after any time up to a bound, which doubles with each failure. *1 s doubling to 30 s*: that bound is 1 s first, and 30 s at most.',
];

/** The storm after the death of a process, without a service that is asked. */
export function stormOf(
  all: Storms,
  fleet: StormScenario['fleet'],
  handshake: Handshake,
  backOff: BackOffName,
): SimulatedStorm | undefined {
  return all.find(
    (one) =>
      one.fleet === fleet &&
      one.event === 'a process dies' &&
      one.handshake === handshake &&
      one.backOff === backOff &&
      one.signIn === 'none',
  );
}

/** `after 12 s`, or `not within 180 s`. */
export function within(seconds: number | undefined): string {
  return seconds === undefined ? `not within ${STORM.horizonSeconds} s` : `after ${rough(seconds)} s`;
}

function longestWaitMs(all: Storms): number {
  return Math.max(...all.map(({ result }) => result.othersWaitMaxSeconds * 1000));
}

function sizeOf(all: Storms, fleet: StormScenario['fleet']): string {
  const [plain = '', secure = ''] = (['plain', 'tls'] as const).map((handshake) => {
    const { nodes = 0, connections = 0 } = stormOf(all, fleet, handshake, JITTER)?.options ?? {};
    return `${nodes} nodes, ${count(connections)} clients`;
  });
  return plain === secure ? plain : `${plain}; with TLS ${secure}`;
}

function aboutStorms(all: Storms): string {
  const [none, jitter] = (['at once', JITTER] as const).map((one) => stormOf(all, 'few nodes', 'plain', one));
  if (none === undefined || jitter === undefined) return '';
  const [first, second] = [none.result.allSeconds ?? Number.POSITIVE_INFINITY, jitter.result.allSeconds];
  const isSooner = second !== undefined && second < first;
  const isLess = jitter.result.attempts < none.result.attempts;
  return `The more a node holds, the longer its death is felt: there are more clients, and fewer nodes to take them. With fewer, larger nodes and
without TLS, clients with jitter need ${isLess ? 'fewer' : 'no fewer'} attempts than clients that come back at once, and the last of them is back ${isSooner ? 'sooner' : 'no sooner'} (${within(second)}, and ${within(none.result.allSeconds)}).${aboutPrimaries(none)}`;
}

function aboutPrimaries({ result }: SimulatedStorm): string {
  if (result.primaryPeak < result.workerPeak) return '';
  return `
What bounds them is the primary, which is one thread: \`--handshake worker\` takes the opening handshake from it, for more CPU time in all.`;
}

function aboutSignIns(all: Storms): string {
  const bound = 'What bounds a storm is mostly such a service, and not the handshake.';
  const failed = all.find(({ signIn, result }) => signIn === 'asked' && result.allSeconds === undefined);
  if (failed === undefined) return bound;
  const { connections, signInsPerSecond, connectTimeoutSeconds } = failed.options;
  const drain = rough(connections / signInsPerSecond);
  const spread = all.find(({ signIn, backOff }) => signIn === 'asked' && backOff === SPREAD);
  const isBack = spread?.result.allSeconds !== undefined;
  return `${bound} *Not* means not within ${STORM.horizonSeconds} s: the service spends its time on questions of
clients that have given up, who ask again. It needs ${drain} s for ${count(connections)} questions, and no client waits for more than ${connectTimeoutSeconds} s. So have the hook
end a question when nobody waits for its answer any more (\`AbortSignal.timeout\`). Or have clients spread already their first attempt over more than
${drain} s${isBack ? `: with ${SPREAD}, all are back ${within(spread.result.allSeconds)}` : ''}.`;
}
