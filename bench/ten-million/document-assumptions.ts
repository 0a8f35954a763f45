/** The chapter about what is assumed. */
import { figure } from '#dist/cli/table.js';
import { enumeration, list } from '../study/markdown.js';
import { fleetFor } from './arithmetic.js';
import { ENGINE, IDLE, NODE, ROOMS, SHARED_NODE } from './assumptions.js';
import { backplaneOf, costsOf, crossingMicros } from './costs.js';
import { machinesText } from './document-machines.js';
import type { Figures } from './figures-file.js';
import { count, percent } from './tables.js';

const GIB = 2 ** 30;

export function assumed(figures: Figures): string {
  const { outMicros, inMicros } = backplaneOf(figures);
  return list([
    `**A node** has ${NODE.cores} cores, ${NODE.memoryBytes / GIB} GiB and ${NODE.gigabitsPerSecond} Gbit/s each way. Ordinary load may take ${percent(NODE.memoryShare)} of its memory, and ${percent(NODE.cpuShare)} of its CPU time, of each primary and of its network.`,
    `**Processes:** a node runs one process of wsloom, or several, up to ${SHARED_NODE.mostProcesses}, each at a port of its own, and a balancer divides the clients evenly among all. Each has a primary of its own, which has a core for itself; the other cores have a worker each. A process may have ${count(NODE.descriptors)} descriptors (\`fs.nr_open\` of Linux as it comes).`,
    '**The reserve:** the figures are of the day on which a node is missing. One more than they say is there on other days.',
    `**Many connections are as dear as few:** a connection takes of a process with millions what was measured of it among ${count(plainConnections(figures))}. Limits of the heap (\`--max-old-space-size\`) and the time for collecting garbage in a large one are left out.`,
    '**Both ends of a connection are as dear to the kernel:** its memory was measured with both on one machine, and half of it counts.',
    `**A connection** lasts an hour, sends nothing that others need not get, is pinged every ${IDLE.heartbeatSeconds} s (the default), and the application keeps ${IDLE.applicationBytes} bytes for it. Buffers for messages under way, and what a server takes without connections, come out of the memory that is left over.`,
    '**Rooms** have 100 members, of whom each sends 100 bytes once a minute. *Each in one process* means that the balancer chooses the process by the room, so that no engine is needed; *anywhere*, that members are in any process, and each message crosses the engine to all processes that have a member.',
    '**One topic of all** has ten million subscribers, and a message of 1 KiB each second.',
    `**Threads are busy:** a publication that crosses to another thread takes what it takes where many are under way, and go in batches: ${figure(crossingMicros(figures.publication))} µs. One that crosses alone, and wakes that thread, takes more${withLoneCrossings(figures)}.`,
    '**On the network** a message has its frame header, 52 bytes of TCP and IP, and 38 of Ethernet for each packet, and is acknowledged by a packet of its own. With TLS there would be 22 bytes more.',
    `**An engine** process takes ${count(ENGINE.messagesPerSecond)} messages per second, in and out together, and has ${ENGINE.gigabitsPerSecond} Gbit/s; ${percent(ENGINE.share)} of that is used.${measuredEngines(figures)}`,
    ...(figures.backplanes.length > 0
      ? []
      : [
          `**The primary's CPU time for a message to the engine and from it** is assumed too, as ${outMicros} and ${inMicros} µs, because no engine has been measured.`,
        ]),
    '**Through the engine** each publication goes as a message of its own, and comes back to the process that it is from. That is the worst case: publications of one moment and topic go together, and NATS sends none back. What a primary takes for its own that come back is in the figure of the one that sends.',
  ]);
}

function plainConnections({ memory }: Figures): number {
  return memory.find(({ isSecure }) => !isSecure)?.connections ?? 0;
}

/** How much the assumption about crossings decides. */
function withLoneCrossings(figures: Figures): string {
  if (figures.lonePublication === undefined) return '';
  const micros = crossingMicros(figures.lonePublication);
  const costs = costsOf(figures, 'plain');
  const lone = { ...costs, crossingMicros: micros };
  const [batched, alone] = [costs, lone].map((one) => machinesText(fleetFor(ROOMS, SHARED_NODE, one, ENGINE)));
  return `: ${figure(micros)} µs. If all did, *${ROOMS.name}* would take ${alone} instead of ${batched}`;
}

/** What the assumption about engines can be compared with. A publication is two messages for the engine: in, and out to one server. */
function measuredEngines({ backplanes }: Figures): string {
  if (backplanes.length === 0) return '';
  const each = backplanes.map(
    ({ engine, engineMicros }) => `${engine} ${count(Number((2e6 / engineMicros).toPrecision(2)))}`,
  );
  return ` By the CPU time that was measured, one core of that machine would do ${enumeration(each)} of them.`;
}
