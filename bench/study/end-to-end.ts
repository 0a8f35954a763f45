/** How much a kernel gains in a server, where messages also cost system calls. */
import { KERNEL_CHOICES } from '#dist/kernels/create-kernel.js';
import type { Bench } from '../bench.js';
import { type Case, echo } from '../cases.js';
import { wsloom } from '../contestants.js';
import { load } from '../loadgen.js';
import { share } from '../sections/scaling.js';
import { compare } from '../sections/throughput.js';
import { start } from '../servers.js';
import type { EndToEndResult, MemoryResult, ThreadsResult } from './results.js';

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
  [20, MIB, 1],
];
const CONTENTS = ['binary', 'ascii', 'utf8'] as const;
const QUICK_CONTENTS = ['binary', 'utf8'] as const;

function cases(isQuick: boolean): Case[] {
  const contents = isQuick ? QUICK_CONTENTS : CONTENTS;
  return (isQuick ? QUICK_LOADS : LOADS).flatMap(([connections, bytes, inFlight]) =>
    contents.map((content) => echo(connections, bytes, inFlight, { content })),
  );
}

/** wsloom with each kernel, on a core of its own. @param bench its contestants are not used */
export async function endToEnd(bench: Bench): Promise<EndToEndResult[]> {
  const contestants = KERNEL_CHOICES.map((kernel) => wsloom(1, kernel, ['--kernel', kernel]));
  const results: EndToEndResult[] = [];
  for (const kind of cases(bench.settings.isQuick)) {
    for (const { server, medians, isClientBound, isDisturbed } of await compare({ ...bench, contestants }, kind)) {
      const { connections, bytes, inFlight, content } = kind;
      const { perSecond, microsPerMessage } = medians;
      const measured = { perSecond, microsPerMessage, isClientBound, isDisturbed };
      results.push({ kernel: server, connections, bytes, inFlight, content, ...measured });
    }
  }
  return results;
}

/** Another kernel, or another thread: server and load share the cores. */
export async function threadsAgainstKernels(bench: Bench): Promise<ThreadsResult[]> {
  const results: ThreadsResult[] = [];
  const kinds = bench.settings.isQuick
    ? [echo(100, 16 * KIB, 1, { content: 'utf8' })]
    : [
        echo(100, 20, 32, { content: 'utf8' }),
        echo(100, 16 * KIB, 1, { content: 'utf8' }),
        echo(20, MIB, 1, { content: 'utf8' }),
      ];
  for (const kind of kinds) {
    for (const kernel of ['js', 'auto'] as const) {
      for (const threads of [1, Math.max(2, bench.cores)]) {
        const title = `${kind.name}, --kernel ${kernel} --threads ${threads}`;
        try {
          const shared = await share(bench, wsloom(threads, kernel, ['--kernel', kernel]), kind);
          results.push({ kernel, threads, bytes: kind.bytes, content: kind.content, ...shared });
          bench.progress(`${title}: ${Math.round(shared.perSecond)} messages/s`);
        } catch (error) {
          bench.fail(title, error);
        }
      }
    }
  }
  return results;
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
export async function memoryOfArenas(bench: Bench): Promise<MemoryResult[]> {
  const results: MemoryResult[] = [];
  const turn = { seconds: bench.settings.seconds, warmUpSeconds: 0, core: undefined };
  for (const [kernel, threads, arenaBytes] of ARENAS) {
    const title = `memory, --kernel ${kernel} --threads ${threads} --arena ${arenaBytes}`;
    try {
      const server = await start(wsloom(threads, kernel, ['--kernel', kernel, '--arena', String(arenaBytes)]), {
        mode: 'echo',
        bytes: MIB,
        core: undefined,
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
