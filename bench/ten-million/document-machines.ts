/** The chapters about how many machines it takes, and what they bring to the engine. */
import { figure } from '#dist/cli/table.js';
import { markdownTable } from '../study/markdown.js';
import {
  fleetFor,
  MOST_NODES,
  type NodeSpec,
  type PlannedFleet,
  processesReached,
  RESOURCES,
  type Resource,
  type Workload,
} from './arithmetic.js';
import {
  ENGINE,
  IDLE,
  NODE,
  ROOMS,
  ROOMS_ANYWHERE,
  ROOMS_WITH_ENGINE,
  SHARED_NODE,
  WIDE_NODE,
  WORKLOADS,
  withTls,
} from './assumptions.js';
import { costsOf } from './costs.js';
import type { Figures, Handshake } from './figures-file.js';
import { count, percent, rough } from './tables.js';

/** A load on one kind of node. */
export interface Planned {
  readonly load: Workload;
  readonly node: NodeSpec;
  readonly fleet: PlannedFleet;
}

/** The loads that are planned with TLS too. */
const SECURE = [IDLE, ROOMS];

export function fleetsOf(figures: Figures): readonly Planned[] {
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

export function planned(fleets: readonly Planned[], node: NodeSpec, load: Workload): PlannedFleet {
  const found = fleets.find((one) => one.node === node && one.load.name === load.name);
  if (found === undefined) throw new Error(`${load.name} is not planned`);
  return found.fleet;
}

export const GIVES_OUT: Readonly<Record<Resource, string>> = {
  memory: 'memory gives out first',
  CPU: 'CPU time gives out first',
  primaries: 'the primaries give out first, each of which is one thread',
  network: 'the network gives out first',
  descriptors: 'descriptors give out first',
};

export function machines(fleets: readonly Planned[]): string {
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
not know that nobody else has members. That takes ${insteadOf(idly, alone)}, and ${percent(idly.use.primaries)} of what primaries may take
instead of ${percent(alone.use.primaries)}. Where other topics need an engine, it is what the engine costs.`;
  const anywhere = `**Rooms whose members are anywhere** take ${insteadOf(shared, alone)}: of ${count(primaries)} processes a message comes to ${rough(reached)} on average,
which is ${percent(reached / primaries)}. As long as there are fewer processes than a room has members (${members}), nearly every message comes to nearly every process, and one process
more relieves the others of little.${aboutPrimaries(single)} More shards of the engine do not change that. Let the balancer choose the
process by the room, or divide the fleet into cells that share no topics.`;
  return `${idle}\n\n${anywhere}`;
}

function aboutPrimaries(fleet: PlannedFleet): string {
  const { first, use } = fleet;
  if (first !== 'primaries') return '';
  return ` With one process on each machine it would be ${machinesText(fleet)}, for
the sake of their primaries, with ${percent(use.CPU)} of the CPU time used: hence several processes.`;
}

function insteadOf(fleet: PlannedFleet, other: PlannedFleet): string {
  const [text, otherText] = [machinesText(fleet), machinesText(other)];
  return text === otherText ? `as many machines (${text})` : `${text} instead of ${otherText}`;
}

/** `9 machines with 2 processes each`. */
export function machinesText({ nodes, processes }: PlannedFleet): string {
  const each = processes === 1 ? '' : ` with ${processes} processes${nodes === 1 ? '' : ' each'}`;
  if (nodes === undefined) return `more than ${count(MOST_NODES)} machines${each}`;
  return `${nodes} machine${nodes === 1 ? '' : 's'}${each}`;
}

function aboutTls(fleets: readonly Planned[]): string {
  const lines = SECURE.map((load) => {
    const [plain, secure] = [planned(fleets, SHARED_NODE, load), planned(fleets, SHARED_NODE, withTls(load))];
    return `*${load.name}* takes ${insteadOf(secure, plain)}, and ${GIVES_OUT[secure.first]}`;
  });
  return `**With TLS,** ${lines.join('; ')}. End TLS in front of wsloom if that is what is scarce.`;
}

export function engines(fleets: readonly Planned[]): string {
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
