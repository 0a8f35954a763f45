/** The text of docs/ten-million.md. Every figure in it comes from the measurements and simulations that are the parameters. */
import { plainText } from '../plain-text.js';
import { list, markdownTable } from '../study/markdown.js';
import { connectionsOf, fleetFor, type PlannedFleet, type Workload, workersOf } from './arithmetic.js';
import { BACK_OFFS, ENGINE, NODE, SHARED_NODE, TOPIC, WORKLOADS } from './assumptions.js';
import { costsOf } from './costs.js';
import { assumed } from './document-assumptions.js';
import { measuredTable } from './document-figures.js';
import { engines, fleetsOf, GIVES_OUT, machines, machinesText, type Planned, planned } from './document-machines.js';
import { stormOf, storms, within } from './document-storms.js';
import type { Figures } from './figures-file.js';
import { oneNode } from './one-node.js';
import { JITTER, type Simulation } from './scenarios.js';
import { count, percent, rough, TOPIC_HEAD, topicRow } from './tables.js';

const MILLION = 1e6;

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

function inShort(fleets: readonly Planned[], { storms, topics }: Simulation, figures: Figures): string {
  const lines = WORKLOADS.map((load) => {
    const [single, shared] = [planned(fleets, NODE, load), planned(fleets, SHARED_NODE, load)];
    const text = `**Ten million, ${load.name}:** ${fleetText(shared)}`;
    const more = shared.processes === 1 ? '' : `. With one process on each machine: ${fleetText(single)}`;
    return `${text}${more}.${restsOnAssumedCost(load, shared, figures) ? ` ${ASSUMED_COST}` : ''}`;
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

/** Whether an engine that costs the primaries nothing would make a difference, and none was measured. */
function restsOnAssumedCost(load: Workload, { nodes, processes }: PlannedFleet, figures: Figures): boolean {
  if (figures.backplanes.length > 0) return false;
  const free = { ...costsOf(figures, 'plain'), backplaneOutMicros: 0, backplaneInMicros: 0 };
  const fleet = fleetFor(load, SHARED_NODE, free, ENGINE);
  return fleet.nodes !== nodes || fleet.processes !== processes;
}

const ASSUMED_COST = 'This rests on a cost of engines that is assumed, because none was measured.';

function fleetText(fleet: PlannedFleet): string {
  return `${machinesText(fleet)}${fleet.nodes === undefined ? '' : ', and one in reserve'}; ${GIVES_OUT[fleet.first]}`;
}

function measured(figures: Figures): string {
  return `The server has one core with all of its threads, the load another. CPU time is that of the server and of the kernel on its account;
interrupts of a network card are not in it, because all of this went over the loopback device. Medians of ${figures.rounds} rounds. The command was
\`npm run ten-million:measure\` ([the figures](../bench/results/ten-million-figures.json)).

${measuredTable(figures)}`;
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

With full jitter, as it was simulated (*${JITTER}*):

<!-- file: reconnect.mjs -->
\`\`\`js
import { WebSocket } from 'ws'; // a browser has its own

let failures = 0;

function connect() {
  const socket = new WebSocket('ws://127.0.0.1:8080');
  socket.onopen = () => {
    failures = 0;
    console.log('connected');
  };
  socket.onerror = () => {}; // onclose follows
  socket.onclose = () => {
    const boundMs = Math.min(${BACK_OFFS[JITTER].capSeconds} * 1000, ${BACK_OFFS[JITTER].baseSeconds} * 1000 * 2 ** failures);
    failures += 1;
    setTimeout(connect, Math.random() * boundMs);
  };
}

connect();
\`\`\`

If a service is asked about each client, let the first bound be as many seconds as that service needs for all clients of a node.`;

const LIMITS = `## What this does not say

- Cores share caches and memory, and all clients share a network card, whose interrupts nobody has counted here. Real nodes do less than
  ${NODE.cores} times what one core does.
- Balancers, proxies and firewalls keep a table of connections too, and often give out before the servers.
- Kernel memory is that of idle sockets. Bytes that wait in them, for clients that are slow, come on top (\`net.ipv4.tcp_mem\` bounds them).
- Clients that send at the same moment, after a goal for example, are no steady rate. The part that is kept free is for them.
- Limits that are met at this size: \`fs.nr_open\`, \`fs.file-max\`, \`LimitNOFILE\`, \`net.core.somaxconn\`, \`net.ipv4.tcp_mem\`, the table of
  connections of a firewall (\`nf_conntrack_max\`), and \`maxConnections\` of wsloom, which takes ${count(connectionsOf(MILLION))} of a million descriptors.`;
