/** How much a kernel gains in a server, and how much another thread does, where messages also cost system calls. */
import { KERNEL_CHOICES } from '#dist/kernels/create-kernel.js';
import type { Bench } from '../bench.js';
import { type Case, echo } from '../cases.js';
import { wsloom } from '../contestants.js';
import { load } from '../loadgen.js';
import { compare } from '../sections/throughput.js';
import { start } from '../servers.js';
import type { EndToEndResult, EndToEndTurn, MemoryResult } from './results.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Connections, bytes, in flight. */
type Load = readonly [connections: number, bytes: number, inFlight: number];

const LOADS: readonly Load[] = [
  [100, 20, 32],
  [100, 125, 32],
  [100, KIB, 16],
  [100, 16 * KIB, 1],
  [20, 64 * KIB, 1],
  [20, MIB, 1],
];
const QUICK_LOADS: readonly Load[] = [
  [100, 20, 32],
  [100, 16 * KIB, 1],
];
const CONTENTS = ['binary', 'ascii', 'utf8'] as const;
const QUICK_CONTENTS = ['binary', 'utf8'] as const;

/** The loads that servers with several threads meet too: text that is not ASCII, of these sizes. */
const SIZES_FOR_THREADS: readonly number[] = [20, 16 * KIB, MIB];
const KERNELS_FOR_THREADS = ['js', 'auto'] as const;
/** How many threads are compared with one. */
export const MANY_THREADS = 2;

/** A server with one kernel, under one load. */
interface Server extends Omit<EndToEndResult, 'turns'> {
  readonly kind: Case;
}

/** Every server under every load that it meets. */
export function serversOf(isQuick: boolean): Server[] {
  const contents = isQuick ? QUICK_CONTENTS : CONTENTS;
  return (isQuick ? QUICK_LOADS : LOADS).flatMap(([connections, bytes, inFlight]) =>
    contents.flatMap((content) => {
      const kind = echo(connections, bytes, inFlight, { content });
      const server = (kernel: string, threads: number): Server => {
        return { kernel, threads, connections, bytes, inFlight, content, kind };
      };
      const isForThreads = content === 'utf8' && SIZES_FOR_THREADS.includes(bytes);
      return [
        ...KERNEL_CHOICES.map((kernel) => server(kernel, 1)),
        ...(isForThreads ? KERNELS_FOR_THREADS.map((kernel) => server(kernel, MANY_THREADS)) : []),
      ];
    }),
  );
}

/**
 * wsloom with each kernel and number of threads. All servers are bound to one core, however many threads they have, and the load to
 * another. Each round goes over all servers and loads, so that the turns of one are minutes apart.
 * @param bench its contestants are not used
 * @param program the version of Node that they run on; undefined for that of this process
 */
export async function endToEnd(bench: Bench, program?: string): Promise<EndToEndResult[]> {
  const { rounds, isQuick } = bench.settings;
  const turns = new Map<Server, EndToEndTurn[]>(serversOf(isQuick).map((server) => [server, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const [server, taken] of turns) {
      const { kernel, threads, kind } = server;
      const contestant = wsloom(threads, `${kernel}, ${threads} threads`, ['--kernel', kernel], program);
      const alone = { ...bench, contestants: [contestant], settings: { ...bench.settings, rounds: 1 } };
      for (const { medians, isClientBound, isDisturbed } of await compare(alone, kind)) {
        const { perSecond, microsPerMessage } = medians;
        taken.push({ perSecond, microsPerMessage, isClientBound, isDisturbed });
      }
    }
    bench.progress(`servers: round ${round} of ${rounds} is done`);
  }
  return [...turns]
    .filter(([, taken]) => taken.length > 0)
    .map(([{ kind: _, ...server }, taken]) => ({ ...server, turns: taken }));
}

/** Kernel, threads, and arena of a thread. */
const ARENAS: readonly (readonly [string, number, number])[] = [
  ['js', 1, 16 * MIB],
  ['auto', 1, 16 * MIB],
  ['auto', 1, 256 * MIB],
  ['auto', 1, 1024 * MIB],
  ['auto', 2, 256 * MIB],
];

/** How much memory the arena takes: at the start, and after loads, because touched memory is not given back. */
export async function memoryOfArenas(bench: Bench, program?: string): Promise<MemoryResult[]> {
  const results: MemoryResult[] = [];
  const { pinning, settings } = bench;
  const turn = { seconds: settings.seconds, warmUpSeconds: 0, core: pinning?.client };
  for (const [kernel, threads, arenaBytes] of ARENAS) {
    const title = `memory, --kernel ${kernel} --threads ${threads} --arena ${arenaBytes}`;
    try {
      const flags = ['--kernel', kernel, '--arena', String(arenaBytes)];
      const server = await start(wsloom(threads, kernel, flags, program), {
        mode: 'echo',
        bytes: MIB,
        core: pinning?.server,
      });
      try {
        const atStart = server.residentBytes();
        const small = await load(server, echo(100, 20, 32), turn);
        const large = await load(server, echo(20, MIB, 1), turn);
        if (small.errors + large.errors > 0) throw new Error(`${small.errors + large.errors} errors`);
        const [afterSmall, afterLarge] = [small.residentBytes, large.residentBytes];
        results.push({ kernel, threads, arenaBytes, atStart, afterSmall, afterLarge });
        bench.progress(`${title}: ${Math.round(afterLarge / MIB)} MiB`);
      } finally {
        await server.stop();
      }
    } catch (error) {
      bench.fail(title, error);
    }
  }
  return results;
}
