/** The text of docs/ten-million.md. Every figure in it comes from the measurements and simulations that are the parameters. */
import { figure } from '#dist/cli/table.js';
import { plainText } from '../plain-text.js';
import { list, markdownTable } from '../study/markdown.js';
import {
  connectionsOf,
  type Fleet,
  fleetFor,
  MOST_NODES,
  type NodeSpec,
  RESOURCES,
  type Resource,
  type Workload,
} from './arithmetic.js';
import {
  type BackOffName,
  ENGINE,
  IDLE,
  NODE,
  SIGN_INS_PER_SECOND,
  STORM,
  TOPIC,
  WIDE_NODE,
  WORKLOADS,
  withTls,
} from './assumptions.js';
import { backplaneOf, costsOf } from './costs.js';
import { measuredTable } from './document-figures.js';
import type { ScaleFigures } from './figures-file.js';
import { oneNode } from './one-node.js';
import type { Simulation, StormScenario } from './scenarios.js';
import { count, percent, STORM_HEAD, rough, stormName, stormRow, TOPIC_HEAD, topicRow } from './tables.js';

const MILLION = 1e6;
const GIB = 2 ** 30;

/** @throws MissingFigure if something was not measured that the document needs */
export function tenMillionMarkdown(figures: ScaleFigures, simulation: Simulation): string {
  const fleets = fleetsOf(figures);
  const sections = [
    '# Ten million connections',
    '<!-- npm run scale:report writes all of this file, from bench/results/scale-figures.json and scale-simulation.json -->',
    introduction(figures),
    inShort(fleets, simulation),
    `## What was measured\n\n${measured(figures)}`,
    `## What is assumed\n\n${assumed(figures)}`,
    `## What one node carries\n\n${oneNode(figures)}`,
    machines(fleets),
    engines(fleets),
    storms(simulation),
    topics(simulation),
    LIMITS,
  ];
  return `${sections.join('\n\n')}\n`;
}

/** A load on one kind of node. */
interface Planned {
  readonly load: Workload;
  readonly node: NodeSpec;
  readonly fleet: Fleet;
}

function fleetsOf(figures: ScaleFigures): readonly Planned[] {
  const plan = (load: Workload, node: NodeSpec, isSecure = false): Planned => ({
    load,
    node,
    fleet: fleetFor(load, node, costsOf(figures, isSecure), ENGINE),
  });
  const secure = WORKLOADS.filter(({ placement }) => placement === 'together').map(withTls);
  return [NODE, WIDE_NODE].flatMap((node) => [
    ...WORKLOADS.map((load) => plan(load, node)),
    ...secure.map((load) => plan(load, node, true)),
  ]);
}

function introduction({ machine, date, commit, isQuick }: ScaleFigures): string {
  return `How many machines ten million connections take, what gives out first, and what happens when a machine dies. Nobody has opened ten
million connections here. This is arithmetic, and a simulation where arithmetic is not enough. What a connection, a message and a handshake
take of the server was **measured**: on ${plainText(machine.cpu)}, ${machine.cores} cores, with Node ${machine.node}
(${date.slice(0, 10)}, commit ${commit}${isQuick ? '; a quick run, whose figures only hint' : ''}). The machines of the fleet, its clients, its load and its engine are
**assumed**.

A shared virtual machine with ${machine.cores} cores is no server with ${NODE.cores}: its figures are not those of yours, and that ${NODE.cores} cores do ${NODE.cores} times as
much as one is assumed too. So measure on yours; then this page has your figures:

\`\`\`sh
npm run scale:figures  # measures, within five minutes, on a machine on which nothing else runs
npm run scale:simulate # three minutes; --help lists what can be varied
npm run scale:report   # writes this page
\`\`\``;
}

function inShort(fleets: readonly Planned[], { storms, topics }: Simulation): string {
  const on = (node: NodeSpec, load: string) => fleets.find((one) => one.node === node && one.load.name === load)?.fleet;
  const lines = WORKLOADS.map((load) => {
    const [narrow, wide] = [on(NODE, load.name), on(WIDE_NODE, load.name)];
    if (narrow === undefined || wide === undefined) return '';
    const text = `**${described(load)}:** ${fleetText(narrow)}`;
    if (narrow.first !== 'descriptors') return `${text}.`;
    return `${text}. With \`fs.nr_open\` raised: ${fleetText(wide)}.`;
  });
  const million = topics.find(({ bytes, options }) => bytes === 100 && options.nodes === 8);
  const [plain, secure] = [false, true].map((isSecure) => stormOf(storms, 'many nodes', isSecure, JITTER));
  if (plain !== undefined && secure !== undefined)
    lines.push(
      `**A process dies, and its clients come back with ${JITTER}:** all ${count(plain.options.connections)} are back after ` +
        `${rough(plain.result.allSeconds)} s; with TLS ${count(secure.options.connections)} after ${rough(secure.result.allSeconds)} s.`,
    );
  if (million !== undefined)
    lines.push(
      `**A topic of a million subscribers on ${million.options.nodes} nodes:** the last one has a message of 100 B after ${rough(million.result.lastMedianMs)} ms (median).`,
    );
  return `## In short\n\n${list(lines)}`;
}

const JITTER: BackOffName = 'jitter of 1 to 30 s';

const SPREAD: BackOffName = 'jitter of 60 to 120 s';

/** A process dies, and nobody asks a service about its clients. */
function stormOf(
  storms: Simulation['storms'],
  fleet: StormScenario['fleet'],
  isSecure: boolean,
  backOff: BackOffName,
): Simulation['storms'][number] | undefined {
  return storms.find(
    (one) =>
      one.fleet === fleet &&
      one.event === 'a process dies' &&
      one.isSecure === isSecure &&
      one.backOff === backOff &&
      one.signIn === 'none',
  );
}

function fleetText({ nodes, first }: Fleet): string {
  if (nodes === undefined) return `not even ${count(MOST_NODES)} machines: ${GIVES_OUT[first]}`;
  return `${machineText(nodes)}; ${GIVES_OUT[first]}`;
}

function machineText(nodes: number): string {
  return `${nodes} machine${nodes === 1 ? '' : 's'} and one in reserve`;
}

const GIVES_OUT: Readonly<Record<Resource, string>> = {
  memory: 'memory gives out first',
  CPU: 'CPU time gives out first',
  'the primary': 'the primary gives out first, which is one thread',
  network: 'the network gives out first',
  descriptors: 'descriptors give out first',
};

function described({ name, publicationsPerSecond }: Workload): string {
  return name === IDLE.name || publicationsPerSecond > 0 ? `Ten million, ${name}` : name;
}

function measured(figures: ScaleFigures): string {
  return `The server has one core with all of its threads, the load another. CPU time is that of the server and of the kernel on its account;
interrupts of a network card are not in it, because all of this went over the loopback device. Medians of ${figures.rounds} rounds. The command was
\`npm run scale:figures\` ([the figures](../bench/results/scale-figures.json)).

${measuredTable(figures)}`;
}

function assumed(figures: ScaleFigures): string {
  const backplane = backplaneOf(figures);
  const isMeasured = figures.backplanes.length > 0;
  return list([
    `**A node** has ${NODE.cores} cores, ${NODE.memoryBytes / GIB} GiB, ${NODE.gigabitsPerSecond} Gbit/s each way, and a process of it may have ${count(NODE.descriptors)} descriptors (\`fs.nr_open\` of Linux as it comes). Ordinary load may take ${percent(NODE.memoryShare)} of its memory, and ${percent(NODE.cpuShare)} of its CPU time, of its primary and of its network.`,
    '**The reserve:** the figures are of the day on which a node is missing. One more than they say is there on other days.',
    `**A connection** lasts an hour, sends nothing that others need not get, is pinged every ${IDLE.heartbeatSeconds} s (the default), and the application keeps ${IDLE.applicationBytes} bytes for it. Buffers for messages under way come out of the memory that is left over.`,
    `**Rooms** have 100 members, of whom each sends 100 bytes once a minute. *On one node* means that the balancer chooses the node by the room; *anywhere*, that members are on any node, and each message crosses the engine to all nodes that have a member.`,
    '**One topic of all** has ten million subscribers, and a message of 1 KiB each second.',
    '**On the network** a message has its frame header, 52 bytes of TCP and IP, and 38 of Ethernet for each packet, and is acknowledged by a packet of its own. With TLS there would be 22 bytes more.',
    `**An engine** process takes ${count(ENGINE.messagesPerSecond)} messages per second, in and out together, and has ${ENGINE.gigabitsPerSecond} Gbit/s; ${percent(ENGINE.share)} of that is used.`,
    isMeasured
      ? 'Each publication is a message of its own for the engine. Publications of one moment and topic go together, so that this is the worst case. A node gets its own messages back from the engine, too.'
      : `**The primary's CPU time for a message to the engine and from it** is assumed too, as ${backplane.outMicros} and ${backplane.inMicros} µs, because no engine has been measured. Each publication is a message of its own for the engine. Publications of one moment and topic go together, so that this is the worst case. A node gets its own messages back from the engine, too.`,
  ]);
}

function machines(fleets: readonly Planned[]): string {
  const table = (node: NodeSpec) =>
    markdownTable(
      ['load', 'machines', 'connections each', ...RESOURCES, 'first'],
      fleets
        .filter((one) => one.node === node)
        .map(({ load, fleet: { nodes, connectionsPerNode, use, first } }) => [
          load.name,
          nodes === undefined ? `more than ${count(MOST_NODES)}` : `${nodes} + 1`,
          nodes === undefined ? '' : count(connectionsPerNode),
          ...RESOURCES.map((resource) => percent(use[resource])),
          first,
        ]),
    );
  const anywhere = fleets.find(({ node, load }) => node === NODE && load.name === 'rooms, anywhere')?.fleet;
  return `## How many machines

Each resource in proportion to what may be used of it, on the day on which one machine is missing: the smallest fleet in which nothing is above
100 %. With the descriptors that Linux allows a process as it comes:

${table(NODE)}

After \`sysctl fs.nr_open=${WIDE_NODE.descriptors}\` and with a limit to match (\`LimitNOFILE=\` of systemd), so that descriptors are not what bounds a node:

${table(WIDE_NODE)}
${anywhere === undefined ? '' : `\n${aboutRooms(anywhere)}\n`}
TLS costs memory above all: end it in front of wsloom if that is what is scarce. A proxy in front has limits of its own. It connects from one
address to one address and port of a server with at most 28 232 connections, as \`net.ipv4.ip_local_port_range\` of Linux comes; give it, or
the server, more addresses.`;
}

function aboutRooms({ nodes, first, use }: Fleet): string {
  if (nodes !== undefined && first !== 'the primary')
    return 'Rooms whose members are anywhere cost more, because each message comes to more nodes and threads: choose the node by the room if you can.';
  return `Where the members of a room are anywhere, more machines help less than one would think: as long as there are fewer nodes than a room has members,
nearly every message comes to nearly every node, and each primary has to take nearly all of them (${percent(use['the primary'])} of what it may take, ${nodes === undefined ? `even with ${count(MOST_NODES)}` : `with ${nodes}`} nodes). More
shards of the engine do not change that. Let the balancer choose the node by the room, or divide the fleet into cells that share no topics.`;
}

function engines(fleets: readonly Planned[]): string {
  const rows = fleets
    .filter(({ node, load }) => node === NODE && load.publicationsPerSecond > 0 && !load.name.endsWith('TLS'))
    .map(({ load, fleet: { engine, nodes } }) => [
      load.name,
      nodes === undefined ? `${count(MOST_NODES)}` : String(nodes + 1),
      count(engine.messagesIn),
      count(engine.messagesOut),
      figure(engine.gigabitsOut),
      count(engine.subscriptions),
      String(engine.shards),
    ]);
  return `## What the engine carries

What the whole fleet brings to the engine, and takes from it, the reserve included. A shard is one engine process, or one primary of a Redis
cluster; the topic chooses it, so that shards share the load as far as there are many topics. One topic is always in one shard.

${markdownTable(['load', 'nodes', 'messages in, a second', 'out, a second', 'Gbit/s out', 'subscriptions', 'shards'], rows)}`;
}

function storms({ storms: all }: Simulation): string {
  const rows = (some: Simulation['storms']) =>
    markdownTable(
      STORM_HEAD,
      some.map((one) => stormRow(stormName(one), one.options.connections, one.result)),
    );
  const ofFleet = (fleet: StormScenario['fleet']) =>
    rows(all.filter((one) => one.fleet === fleet && one.signIn === 'none'));
  const ofSignIn = (signIn: StormScenario['signIn']) => rows(all.filter((one) => one.signIn === signIn));
  const size = (fleet: StormScenario['fleet']) => {
    const sizes = [false, true].map((isSecure) => {
      const options = stormOf(all, fleet, isSecure, JITTER)?.options;
      return options === undefined ? '' : `${options.nodes} nodes, ${count(options.connections)} clients`;
    });
    return sizes[0] === sizes[1] ? sizes[0] : `${sizes[0]}; with TLS ${sizes[1]}`;
  };
  return `## When a node dies

A node of a fleet that has ten million idle connections dies, and its clients connect again to the others. \`npm run scale:simulate\` lets them
do so one by one ([storm.ts](../bench/scale/storm.ts) says how). CPU times are measured, and handshakes of TLS are full ones. These are assumed:

${list([
  `Ordinary traffic takes ${percent(STORM.busyShare)} of each thread, and goes first.`,
  `${count(STORM.backlog)} connections may wait for a primary. The kernel drops the SYNs of others, and their clients send them again after 1, 3 and 7 s.`,
  `A client gives up after ${STORM.connectTimeoutSeconds} s, and begins anew. A round trip takes ${STORM.roundTripMs} ms.`,
  `If a process dies, its clients know within ${STORM.processDeathSeconds} s. If a machine dies, within ${STORM.machineDeathSeconds} s, because only silence tells them.`,
  'Clients come back *at once*, or *after 1 s*, all of them, or *with jitter*: after any time up to a bound, which doubles with each failure: *of 1 to 30 s* is a bound of 1 s first, and of 30 s at most.',
])}

With descriptors as Linux comes (${size('many nodes')}):

${ofFleet('many nodes')}

With \`fs.nr_open\` raised, which makes fewer, larger nodes (${size('few nodes')}):

${ofFleet('few nodes')}

*Given up or refused* are attempts of all clients together. *Busiest* is the CPU use of a thread in its busiest second. *Others wait* is the
longest that a message of a client that is connected waits for handshakes, in a worker that does what has come in turn.

${aboutStorms(all)}

**With a service that all nodes ask** about each client, from the hook \`upgrade\`: it answers ${count(SIGN_INS_PER_SECOND)} questions a second for the whole fleet (assumed), and a
node waits for an answer for at most ${STORM.signInTimeoutSeconds} s. Questions whose client has gone are answered all the same:

${ofSignIn('asked')}

The same, but a question ends when its client has gone:

${ofSignIn('asked and ended')}

${aboutSignIns(all)}

One storm of your own: \`npm run scale:simulate -- storm --tls --nodes 5 --connections 2000000 --back-off 1-30 --sign-ins 20000\`.`;
}

function aboutStorms(all: Simulation['storms']): string {
  const [none, jitter] = (['at once', JITTER] as const).map((one) => stormOf(all, 'few nodes', false, one)?.result);
  if (none === undefined || jitter === undefined) return '';
  const faster = (jitter.allSeconds ?? Number.POSITIVE_INFINITY) < (none.allSeconds ?? Number.POSITIVE_INFINITY);
  const attempts = none.attempts > jitter.attempts ? 'fewer' : 'no fewer';
  return `The more a node holds, the longer its death is felt: there are more clients, and fewer nodes to take them. With fewer, larger nodes and
without TLS, clients with jitter need ${attempts} attempts than clients that come back at once, and the last of them is back ${faster ? 'sooner' : 'no sooner'} (after ${rough(jitter.allSeconds)} s and ${rough(none.allSeconds)} s).`;
}

function aboutSignIns(all: Simulation['storms']): string {
  const failed = all.filter(({ signIn, result }) => signIn === 'asked' && result.allSeconds === undefined);
  const [one] = failed;
  if (one === undefined) return 'What bounds a storm is mostly such a service, and not the handshake.';
  const { connections, signInsPerSecond, connectTimeoutSeconds } = one.options;
  const drain = connections / signInsPerSecond;
  const spread = all.find(({ signIn, backOff }) => signIn === 'asked' && backOff === SPREAD)?.result.allSeconds;
  return `What bounds a storm is mostly such a service, and not the handshake. *Not* means not within ${STORM.horizonSeconds} s: the service spends its time on questions of
clients that have given up, who ask again. It needs ${rough(drain)} s for ${count(connections)} questions, and no client waits for more than ${connectTimeoutSeconds} s. So have the hook end its
questions with their clients, or have clients spread their first attempt already over more than ${rough(drain)} s${spread === undefined ? '' : `: with ${SPREAD} all are back after ${rough(spread)} s`}.`;
}

function topics({ topics: all }: Simulation): string {
  const table = (bytes: number) =>
    markdownTable(
      TOPIC_HEAD,
      all.filter((one) => one.bytes === bytes).map(({ options, result }) => topicRow(options, result)),
    );
  return `## A topic of a million subscribers

Subscribers are on any thread of any node by chance, and a message is published each second. Measured are the CPU times. Assumed are: ${TOPIC.engineMs} ms through
the engine, ${percent(TOPIC.busyShare)} of CPU and network taken by others, and a thread that stops for ${TOPIC.pauseMs} ms every ${TOPIC.pauseEverySeconds} s on average, to collect garbage or to wait for a hook. *Most
messages a second* is what the arithmetic allows; above it each message is later than the one before, and the times grow. Made by \`npm run scale:simulate\`
([topic.ts](../bench/scale/topic.ts)), with \`${NODE.cores - 1}\` threads a node.

Messages of 100 B:

${table(100)}

Messages of 1 KiB:

${table(1024)}

One of your own: \`npm run scale:simulate -- topic --nodes 8 --bytes 1024 --rate 2\`.`;
}

const LIMITS = `## What this does not say

- Cores share caches and memory, and all clients share a network card, whose interrupts nobody has counted here. Real nodes do less than
  ${NODE.cores} times what one core does.
- Balancers, proxies and firewalls keep a table of connections too, and often give out before the servers.
- Kernel memory is that of idle sockets. Bytes that wait in them, for clients that are slow, come on top (\`net.ipv4.tcp_mem\` bounds them).
- Clients that send at the same moment, after a goal for example, are no steady rate. The part that is kept free is for them.
- Limits that are met at this size: \`fs.nr_open\`, \`fs.file-max\`, \`LimitNOFILE\`, \`net.core.somaxconn\`, \`net.ipv4.tcp_mem\`, the table of
  connections of a firewall (\`nf_conntrack_max\`), and \`maxConnections\` of wsloom, which takes ${count(connectionsOf(MILLION))} of a million descriptors.`;
