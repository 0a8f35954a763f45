/** The text of docs/ten-million.md. Every figure in it comes from the measurements and simulations that are the parameters. */
import { figure } from '#dist/cli/table.js';
import { plainText } from '../plain-text.js';
import { enumeration, list, markdownTable } from '../study/markdown.js';
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
import { ENGINE, IDLE, NODE, TOPIC, WIDE_NODE, WORKLOADS, withTls } from './assumptions.js';
import { backplaneOf, costsOf } from './costs.js';
import { measuredTable } from './document-figures.js';
import { stormOf, storms, within } from './document-storms.js';
import type { Handshake, ScaleFigures } from './figures-file.js';
import { oneNode } from './one-node.js';
import { JITTER, type Simulation } from './scenarios.js';
import { count, percent, rough, TOPIC_HEAD, topicRow } from './tables.js';

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
  const plan = (load: Workload, node: NodeSpec, handshake: Handshake = 'plain'): Planned => ({
    load,
    node,
    fleet: fleetFor(load, node, costsOf(figures, handshake), ENGINE),
  });
  const secure = WORKLOADS.filter(({ placement }) => placement === 'together').map(withTls);
  return [NODE, WIDE_NODE].flatMap((node) => [
    ...WORKLOADS.map((load) => plan(load, node)),
    ...secure.map((load) => plan(load, node, 'tls')),
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
  const { outMicros, inMicros } = backplaneOf(figures);
  return list([
    `**A node** has ${NODE.cores} cores, ${NODE.memoryBytes / GIB} GiB, ${NODE.gigabitsPerSecond} Gbit/s each way, and a process of it may have ${count(NODE.descriptors)} descriptors (\`fs.nr_open\` of Linux as it comes). Ordinary load may take ${percent(NODE.memoryShare)} of its memory, and ${percent(NODE.cpuShare)} of its CPU time, of its primary and of its network.`,
    '**The reserve:** the figures are of the day on which a node is missing. One more than they say is there on other days.',
    `**A connection** lasts an hour, sends nothing that others need not get, is pinged every ${IDLE.heartbeatSeconds} s (the default), and the application keeps ${IDLE.applicationBytes} bytes for it. Buffers for messages under way, and what a server takes without connections, come out of the memory that is left over.`,
    `**Rooms** have 100 members, of whom each sends 100 bytes once a minute. *On one node* means that the balancer chooses the node by the room; *anywhere*, that members are on any node, and each message crosses the engine to all nodes that have a member.`,
    '**One topic of all** has ten million subscribers, and a message of 1 KiB each second.',
    '**On the network** a message has its frame header, 52 bytes of TCP and IP, and 38 of Ethernet for each packet, and is acknowledged by a packet of its own. With TLS there would be 22 bytes more.',
    `**An engine** process takes ${count(ENGINE.messagesPerSecond)} messages per second, in and out together, and has ${ENGINE.gigabitsPerSecond} Gbit/s; ${percent(ENGINE.share)} of that is used.${measuredEngines(figures)}`,
    ...(figures.backplanes.length > 0
      ? []
      : [
          `**The primary's CPU time for a message to the engine and from it** is assumed too, as ${outMicros} and ${inMicros} µs, because no engine has been measured.`,
        ]),
    '**Through the engine** each publication goes as a message of its own, and comes back to the node that it is from if that has subscribers. That is the worst case: publications of one moment and topic go together, and NATS sends none back.',
  ]);
}

/** What the assumption about engines can be compared with. A publication is two messages for the engine: in, and out to one server. */
function measuredEngines({ backplanes }: ScaleFigures): string {
  if (backplanes.length === 0) return '';
  const each = backplanes.map(
    ({ engine, engineMicros }) => `${engine} ${count(Number((2e6 / engineMicros).toPrecision(2)))}`,
  );
  return ` By the CPU time that was measured, one core of that machine would do ${enumeration(each)} of them.`;
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
