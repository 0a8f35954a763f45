/** The text of docs/ten-million.md. Every figure in it comes from the measurements and simulations that are the parameters. */
import { figure } from '#dist/cli/table.js';
import { plainText } from '../plain-text.js';
import { enumeration, list, markdownTable } from '../study/markdown.js';
import {
  connectionsOf,
  fleetFor,
  MOST_NODES,
  type NodeSpec,
  type PlannedFleet,
  processesReached,
  RESOURCES,
  type Resource,
  type Workload,
  workersOf,
} from './arithmetic.js';
import {
  BACK_OFFS,
  ENGINE,
  IDLE,
  NODE,
  ROOMS,
  ROOMS_ANYWHERE,
  ROOMS_WITH_ENGINE,
  SHARED_NODE,
  TOPIC,
  WIDE_NODE,
  WORKLOADS,
  withTls,
} from './assumptions.js';
import { backplaneOf, costsOf, crossingMicros } from './costs.js';
import { measuredTable } from './document-figures.js';
import { stormOf, storms, within } from './document-storms.js';
import type { Handshake, Figures } from './figures-file.js';
import { oneNode } from './one-node.js';
import { JITTER, type Simulation } from './scenarios.js';
import { count, percent, rough, TOPIC_HEAD, topicRow } from './tables.js';

const MILLION = 1e6;
const GIB = 2 ** 30;

/** @throws MissingFigure if something was not measured that the document needs */
export function tenMillionMarkdown(figures: Figures, simulation: Simulation): string {
  const fleets = fleetsOf(figures);
  const sections = [
    '# Ten million connections',
    '<!-- npm run ten-million:report writes all of this file, from bench/results/ten-million-figures.json and ten-million-simulation.json -->',
    introduction(figures),
    inShort(fleets, simulation, figures),
    `## What was measured\n\n${measured(figures)}`,
    `## What is assumed\n\n${assumed(figures)}`,
    `## What one node carries\n\n${oneNode(figures)}`,
    machines(fleets),
    engines(fleets),
    storms(simulation),
    CLIENT,
    topics(simulation),
    LIMITS,
  ];
  return `${sections.join('\n\n')}\n`;
}

/** A load on one kind of node. */
interface Planned {
  readonly load: Workload;
  readonly node: NodeSpec;
  readonly fleet: PlannedFleet;
}

/** The loads that are planned with TLS too. */
const SECURE = [IDLE, ROOMS];

function fleetsOf(figures: Figures): readonly Planned[] {
  const plan = (load: Workload, node: NodeSpec, handshake: Handshake = 'plain'): Planned => ({
    load,
    node,
    fleet: fleetFor(load, node, costsOf(figures, handshake), ENGINE),
  });
  return [NODE, SHARED_NODE].flatMap((node) => [
    ...WORKLOADS.map((load) => plan(load, node)),
    ...SECURE.map((load) => plan(withTls(load), node, 'tls')),
  ]);
}

function planned(fleets: readonly Planned[], node: NodeSpec, load: Workload): PlannedFleet {
  const found = fleets.find((one) => one.node === node && one.load.name === load.name);
  if (found === undefined) throw new Error(`${load.name} is not planned`);
  return found.fleet;
}

function introduction({ machine, date, commit, isQuick }: Figures): string {
  return `How many machines ten million connections take, what gives out first, and what happens when a machine dies. Nobody has opened ten
million connections here. This is arithmetic, and a simulation where arithmetic is not enough. What a connection, a message and a handshake
take of the server was **measured**: on ${plainText(machine.cpu)}, ${machine.cores} cores, with Node ${machine.node}
(${date.slice(0, 10)}, commit ${commit}${isQuick ? '; a quick run, whose figures only hint' : ''}). The machines of the fleet, its clients, its load and its engine are
**assumed**.

A shared virtual machine with ${machine.cores} cores is no server with ${NODE.cores}: its figures are not those of yours, and that ${NODE.cores} cores do ${NODE.cores} times as
much as one is assumed too. So measure on yours; then this page has your figures:

\`\`\`sh
npm run ten-million:measure  # measures, within five minutes, on a machine on which nothing else runs
npm run ten-million:simulate # three minutes; --help lists what can be varied
npm run ten-million:report   # writes this page
\`\`\``;
}

function inShort(fleets: readonly Planned[], { storms, topics }: Simulation, { backplanes }: Figures): string {
  const lines = WORKLOADS.map((load) => {
    const [single, shared] = [planned(fleets, NODE, load), planned(fleets, SHARED_NODE, load)];
    const text = `**Ten million, ${load.name}:** ${fleetText(shared)}`;
    const more = shared.processes === 1 ? '' : `. With one process on each: ${fleetText(single)}`;
    return `${text}${more}.${load.hasEngine && backplanes.length === 0 ? ` ${ASSUMED_COST}` : ''}`;
  });
  const million = topics.find(({ bytes, options }) => bytes === 100 && options.nodes === 8);
  const [plain, secure] = (['plain', 'tls'] as const).map((one) => stormOf(storms, 'many nodes', one, JITTER));
  if (plain !== undefined && secure !== undefined)
    lines.push(
      `**A process dies, and its clients come back with ${JITTER}:** all ${count(plain.options.connections)} are back ${within(plain.result.allSeconds)}; ` +
        `with TLS ${count(secure.options.connections)} ${within(secure.result.allSeconds)}.`,
    );
  if (million !== undefined)
    lines.push(
      `**A topic of a million subscribers on ${million.options.nodes} nodes:** the last one has a message of 100 B after ${rough(million.result.lastMedianMs)} ms (median).`,
    );
  return `## In short\n\n${list(lines)}`;
}

const ASSUMED_COST = 'This rests on a cost of engines that is assumed, because none was measured.';

function fleetText({ nodes, processes, first }: PlannedFleet): string {
  const machines = nodes === undefined ? `not even ${count(MOST_NODES)} machines` : machineText(nodes, processes);
  return `${machines}; ${GIVES_OUT[first]}`;
}

function machineText(nodes: number, processes: number): string {
  const each = processes === 1 ? '' : ` with ${processes} processes${nodes === 1 ? '' : ' each'}`;
  return `${nodes} machine${nodes === 1 ? '' : 's'}${each}, and one in reserve`;
}

const GIVES_OUT: Readonly<Record<Resource, string>> = {
  memory: 'memory gives out first',
  CPU: 'CPU time gives out first',
  primaries: 'the primaries give out first, each of which is one thread',
  network: 'the network gives out first',
  descriptors: 'descriptors give out first',
};

function measured(figures: Figures): string {
  return `The server has one core with all of its threads, the load another. CPU time is that of the server and of the kernel on its account;
interrupts of a network card are not in it, because all of this went over the loopback device. Medians of ${figures.rounds} rounds. The command was
\`npm run ten-million:measure\` ([the figures](../bench/results/ten-million-figures.json)).

${measuredTable(figures)}`;
}

function assumed(figures: Figures): string {
  const { outMicros, inMicros } = backplaneOf(figures);
  return list([
    `**A node** has ${NODE.cores} cores, ${NODE.memoryBytes / GIB} GiB and ${NODE.gigabitsPerSecond} Gbit/s each way. Ordinary load may take ${percent(NODE.memoryShare)} of its memory, and ${percent(NODE.cpuShare)} of its CPU time, of each primary and of its network.`,
    `**Processes:** a node runs one process of wsloom, or several, up to ${SHARED_NODE.mostProcesses}, each at a port of its own, and a balancer divides the clients evenly among all. Each has a primary of its own, which has a core for itself; the other cores have a worker each. A process may have ${count(NODE.descriptors)} descriptors (\`fs.nr_open\` of Linux as it comes).`,
    '**The reserve:** the figures are of the day on which a node is missing. One more than they say is there on other days.',
    `**Many connections are as dear as few:** a connection takes of a process with millions what was measured of it among ${count(plainConnections(figures))}. Limits of the heap (\`--max-old-space-size\`) and the time for collecting garbage in a large one are left out.`,
    `**A connection** lasts an hour, sends nothing that others need not get, is pinged every ${IDLE.heartbeatSeconds} s (the default), and the application keeps ${IDLE.applicationBytes} bytes for it. Buffers for messages under way, and what a server takes without connections, come out of the memory that is left over.`,
    '**Rooms** have 100 members, of whom each sends 100 bytes once a minute. *Each in one process* means that the balancer chooses the process by the room, so that no engine is needed; *anywhere*, that members are in any process, and each message crosses the engine to all processes that have a member.',
    '**One topic of all** has ten million subscribers, and a message of 1 KiB each second.',
    `**Threads are busy:** a publication that crosses to another thread takes what it takes where many are under way, and go in batches: ${figure(crossingMicros(figures.publication))} µs. One that crosses alone, and wakes that thread, took ${figure(crossingMicros(figures.lonePublication))} µs.${withLoneCrossings(figures)}`,
    '**On the network** a message has its frame header, 52 bytes of TCP and IP, and 38 of Ethernet for each packet, and is acknowledged by a packet of its own. With TLS there would be 22 bytes more.',
    `**An engine** process takes ${count(ENGINE.messagesPerSecond)} messages per second, in and out together, and has ${ENGINE.gigabitsPerSecond} Gbit/s; ${percent(ENGINE.share)} of that is used.${measuredEngines(figures)}`,
    ...(figures.backplanes.length > 0
      ? []
      : [
          `**The primary's CPU time for a message to the engine and from it** is assumed too, as ${outMicros} and ${inMicros} µs, because no engine has been measured.`,
        ]),
    '**Through the engine** each publication goes as a message of its own, and comes back to the process that it is from if that has subscribers. That is the worst case: publications of one moment and topic go together, and NATS sends none back.',
  ]);
}

function plainConnections({ memory }: Figures): number {
  return memory.find(({ isSecure }) => !isSecure)?.connections ?? 0;
}

/** How much the assumption about crossings decides. */
function withLoneCrossings(figures: Figures): string {
  const costs = costsOf(figures, 'plain');
  const lone = { ...costs, crossingMicros: crossingMicros(figures.lonePublication) };
  const [batched, alone] = [costs, lone].map((one) => fleetFor(ROOMS, SHARED_NODE, one, ENGINE).nodes);
  const text = alone === undefined ? `more than ${count(MOST_NODES)}` : String(alone);
  return ` If all did, *${ROOMS.name}* would take ${text} machines instead of ${batched ?? `more than ${count(MOST_NODES)}`}.`;
}

/** What the assumption about engines can be compared with. A publication is two messages for the engine: in, and out to one server. */
function measuredEngines({ backplanes }: Figures): string {
  if (backplanes.length === 0) return '';
  const each = backplanes.map(({ engine, engineMicros }) => `${engine} ${count(Number((2e6 / engineMicros).toPrecision(2)))}`);
  return ` By the CPU time that was measured, one core of that machine would do ${enumeration(each)} of them.`;
}

function machines(fleets: readonly Planned[]): string {
  const table = (node: NodeSpec) =>
    markdownTable(
      ['load', 'machines', 'processes each', 'connections of a process', ...RESOURCES, 'first'],
      fleets
        .filter((one) => one.node === node)
        .map(({ load, fleet: { nodes, processes, connectionsPerProcess, use, first } }) => [
          load.name,
          nodes === undefined ? `more than ${count(MOST_NODES)}` : `${nodes} + 1`,
          String(processes),
          nodes === undefined ? '' : count(connectionsPerProcess),
          ...RESOURCES.map((resource) => percent(use[resource])),
          first,
        ]),
    );
  return `## How many machines

Each resource in proportion to what may be used of it, on the day on which one machine is missing: the smallest fleet in which nothing is above
100 %. With one process on each machine:

${table(NODE)}

With as many processes on each machine as it takes for fewer machines. Each process adds a primary and descriptors of its own:

${table(SHARED_NODE)}

${aboutRooms(fleets)}

${aboutTls(fleets)}

Instead of several processes, \`sysctl fs.nr_open=${WIDE_NODE.descriptors}\` and a limit to match (\`LimitNOFILE=\` of systemd) give one process
more descriptors. It still has one primary, and its death is the death of more connections.

A proxy in front has limits of its own. It connects from one address to one address and port of a server with at most 28 232 connections, as
\`net.ipv4.ip_local_port_range\` of Linux comes; give it, or the server, more addresses.`;
}

function aboutRooms(fleets: readonly Planned[]): string {
  const [alone, idly] = [planned(fleets, SHARED_NODE, ROOMS), planned(fleets, SHARED_NODE, ROOMS_WITH_ENGINE)];
  const [single, shared] = [planned(fleets, NODE, ROOMS_ANYWHERE), planned(fleets, SHARED_NODE, ROOMS_ANYWHERE)];
  const primaries = (shared.nodes ?? MOST_NODES) * shared.processes;
  const reached = processesReached(primaries, ROOMS_ANYWHERE);
  const { membersPerTopic: members } = ROOMS_ANYWHERE;
  const idle = `**Rooms that are in one process each need no engine:** leave \`backplane\` off. A server that has one publishes each message to it, because it does
not know that nobody else has members. That would take ${machinesOf(idly)} machines instead of ${machinesOf(alone)}, with ${percent(idly.use.primaries)} of what primaries may take
instead of ${percent(alone.use.primaries)}. Where other topics need an engine, it is what the engine costs.`;
  const anywhere = `**Rooms whose members are anywhere** take ${machinesOf(shared)} machines instead of ${machinesOf(alone)}: with ${count(primaries)} processes a message comes to ${rough(reached)} of them on average,
which is ${percent(reached / primaries)}. As long as there are fewer processes than a room has members (${members}), nearly every message comes to nearly every process, and one process
more relieves the others of little.${aboutPrimaries(single)} More shards of the engine do not change that. Let the balancer choose the
process by the room, or divide the fleet into cells that share no topics.`;
  return `${idle}\n\n${anywhere}`;
}

function aboutPrimaries({ nodes, first, use }: PlannedFleet): string {
  if (first !== 'primaries') return '';
  return ` With one process on each machine it would be ${nodes ?? `more than ${count(MOST_NODES)}`} machines for
the sake of their primaries, with ${percent(use.CPU)} of the CPU time used: hence several processes.`;
}

function machinesOf({ nodes }: PlannedFleet): string {
  return nodes === undefined ? `more than ${count(MOST_NODES)}` : String(nodes);
}

function aboutTls(fleets: readonly Planned[]): string {
  const lines = SECURE.map((load) => {
    const [plain, secure] = [planned(fleets, SHARED_NODE, load), planned(fleets, SHARED_NODE, withTls(load))];
    return `*${load.name}* takes ${machinesOf(secure)} machines instead of ${machinesOf(plain)}, because ${GIVES_OUT[secure.first]}`;
  });
  return `**With TLS** ${enumeration(lines)}. End TLS in front of wsloom if that is what is scarce.`;
}

function engines(fleets: readonly Planned[]): string {
  const rows = fleets
    .filter(({ node, load }) => node === SHARED_NODE && load.hasEngine)
    .map(({ load, fleet: { engine, nodes, processes } }) => [
      load.name,
      count(((nodes ?? MOST_NODES) + 1) * processes),
      count(engine.messagesIn),
      count(engine.messagesOut),
      figure(engine.gigabitsOut),
      count(engine.subscriptions),
      String(engine.shards),
    ]);
  return `## What the engine carries

What the whole fleet brings to the engine, and takes from it, with as many processes as in the second table, the reserve included. A shard is
one engine process, or one primary of a Redis cluster; the topic chooses it, so that shards share the load as far as there are many topics. One
topic is always in one shard.

${markdownTable(['load', 'processes', 'messages in, a second', 'out, a second', 'Gbit/s out', 'subscriptions', 'shards'], rows)}`;
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
messages a second* is what the arithmetic allows; above it each message is later than the one before, and the times grow. Made by \`npm run ten-million:simulate\`
([topic.ts](../bench/ten-million/topic.ts)), with ${workersOf(NODE, 1)} threads a node, which has one process.

Messages of 100 B:

${table(100)}

Messages of 1 KiB:

${table(1024)}

One of your own: \`npm run ten-million:simulate -- topic --nodes 8 --bytes 1024 --rate 2\`.`;
}

/** The back-off of {@link JITTER} as a client has it. */
const CLIENT = `### A client that comes back

With full jitter, as in [Exponential Backoff And Jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/):

\`\`\`js
let failures = 0;

function connect() {
  const socket = new WebSocket('wss://example.org/');
  socket.onopen = () => {
    failures = 0;
  };
  socket.onclose = () => {
    const bound = Math.min(${BACK_OFFS[JITTER].capSeconds * 1000}, ${BACK_OFFS[JITTER].baseSeconds * 1000} * 2 ** failures++); // ms
    setTimeout(connect, Math.random() * bound);
  };
}

connect();
\`\`\`

If a service is asked about each client, begin with a bound of as many seconds as that service needs for all clients of a node.`;

const LIMITS = `## What this does not say

- Cores share caches and memory, and all clients share a network card, whose interrupts nobody has counted here. Real nodes do less than
  ${NODE.cores} times what one core does.
- Balancers, proxies and firewalls keep a table of connections too, and often give out before the servers.
- Kernel memory is that of idle sockets. Bytes that wait in them, for clients that are slow, come on top (\`net.ipv4.tcp_mem\` bounds them).
- Clients that send at the same moment, after a goal for example, are no steady rate. The part that is kept free is for them.
- Limits that are met at this size: \`fs.nr_open\`, \`fs.file-max\`, \`LimitNOFILE\`, \`net.core.somaxconn\`, \`net.ipv4.tcp_mem\`, the table of
  connections of a firewall (\`nf_conntrack_max\`), and \`maxConnections\` of wsloom, which takes ${count(connectionsOf(MILLION))} of a million descriptors.`;
