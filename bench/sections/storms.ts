import type { Bench } from '../bench.js';
import { wsloom } from '../contestants.js';
import { open } from '../loadgen.js';
import { descriptorLimit } from '../machine.js';
import { start } from '../servers.js';
import { OTHER_DESCRIPTORS } from './connections.js';
import { figuresOf, medianFigures, type OpeningFigures, waitForClosing } from './openings.js';

/** The name has `tls` in it because the section is read together with that one: `--only tls`. */
export const STORMS = 'storms without tls';
const ROUNDS = 3;
const CONNECTIONS = 5000;
/** How many are under way at a time in a steady stream: the backlog of a server holds them. */
export const STREAM = 400;
const HANDSHAKES = ['primary', 'worker'] as const;

interface Setting {
  readonly handshake: (typeof HANDSHAKES)[number];
  /** With one thread, the server has one core, and the load another. With two, both share all cores. */
  readonly threads: number;
}

export interface StormResult extends Setting {
  readonly connections: number;
  /** All at once, at a server that has just been started: its code is not compiled yet. */
  readonly first: OpeningFigures;
  /** All at once again. */
  readonly again: OpeningFigures;
  /** The same number of connections, only some of them under way at a time. */
  readonly stream: OpeningFigures;
}

/** Many clients come at once, by plain TCP: the opening handshake in the primary, and in the workers. */
export async function storms(bench: Bench): Promise<StormResult[]> {
  if (!bench.wants(STORMS)) return [];
  const settings = [1, 2].flatMap((threads) => HANDSHAKES.map((handshake) => ({ threads, handshake })));
  const turns = new Map<Setting, StormResult[]>(settings.map((setting) => [setting, []]));
  for (let round = 1; round <= Math.min(ROUNDS, bench.settings.rounds); round++) {
    for (const [setting, results] of turns) {
      const title = `${STORMS}, round ${round}: --handshake ${setting.handshake} --threads ${setting.threads}`;
      try {
        const result = await takeTurn(bench, setting);
        results.push(result);
        const { first, stream } = result;
        bench.progress(
          `${title} all open after ${first.seconds.toFixed(2)} s, ${Math.round(stream.cpuMicros)} us of CPU each in a stream`,
        );
      } catch (error) {
        bench.fail(title, error);
        turns.delete(setting);
      }
    }
  }
  return [...turns].map(([setting, results]) => {
    const of = (read: (result: StormResult) => OpeningFigures) => medianFigures(results.map(read));
    return {
      ...setting,
      connections: countOf(),
      first: of(({ first }) => first),
      again: of(({ again }) => again),
      stream: of(({ stream }) => stream),
    };
  });
}

function countOf(): number {
  return Math.min(CONNECTIONS, descriptorLimit() - OTHER_DESCRIPTORS);
}

async function takeTurn({ pinning }: Bench, setting: Setting): Promise<StormResult> {
  const { threads, handshake } = setting;
  const cores = threads === 1 ? pinning : undefined;
  const connections = countOf();
  const contestant = wsloom(threads, 'wsloom', ['--handshake', handshake]);
  const server = await start(contestant, { mode: 'echo', bytes: 20, core: cores?.server });
  const measure = async (atOnce: number) => {
    const turn = { connections, atOnce, resumes: false, core: cores?.client };
    const figures = figuresOf(await open(server, turn));
    await waitForClosing();
    return figures;
  };
  try {
    return {
      ...setting,
      connections,
      first: await measure(connections),
      again: await measure(connections),
      stream: await measure(STREAM),
    };
  } finally {
    await server.stop();
  }
}
