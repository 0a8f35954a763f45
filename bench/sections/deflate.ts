import type { Bench } from '../bench.js';
import { DEFLATE_CASES } from '../cases.js';
import { type Contestant, compressing, uncompressed } from '../contestants.js';
import { buildDeflateLoadgen } from '../loadgen.js';
import { type ConnectionsResult, compareConnections } from './connections.js';
import { type CaseResult, compareCases } from './throughput.js';

/** At most: there are more contestants than in the other sections, and all of it is to take some minutes. */
export const DEFLATE_THROUGHPUT_ROUNDS = 5;
const IDLE_ROUNDS = 3;
/** Fewer than without compression: some servers take hundreds of kB for each. */
const IDLE_CONNECTIONS = 4000;
/** Longer than in other sections: what messages leave behind takes time to be freed. */
const IDLE_SECONDS = 2;

/** Connections with context takeover whose windows are full: more was sent than the largest window holds. */
export const DEFLATE_IDLE = {
  name: 'deflate connections',
  mode: 'echo',
  bytes: 4096,
  inFlight: 1,
  content: 'ascii',
  deflate: { hasTakeover: true, messagesEach: 10 },
  isQuick: false,
} as const;

/** The cases of this section, as `--only` selects them. */
export const DEFLATE_NAMES: readonly string[] = [...DEFLATE_CASES, DEFLATE_IDLE].map(({ name }) => name);

export interface DeflateResults {
  readonly throughput: readonly CaseResult[];
  /** Those who compress, and the same servers uncompressed. */
  readonly connections: readonly ConnectionsResult[];
}

/** Nothing of it was measured. */
export const NO_DEFLATE: DeflateResults = { throughput: [], connections: [] };

/** JSON that is compressed both ways: hundreds of different messages, by all servers that compress. */
export async function deflate(bench: Bench): Promise<DeflateResults> {
  if (!DEFLATE_NAMES.some((name) => bench.wants(name))) return NO_DEFLATE;
  try {
    await buildDeflateLoadgen();
  } catch (error) {
    bench.fail('deflate: no load generator that compresses, which needs the headers of zlib (zlib1g-dev)', error);
    return NO_DEFLATE;
  }
  const { settings } = bench;
  const among = (contestants: readonly Contestant[], rounds: number): Bench => ({
    ...bench,
    contestants,
    settings: { ...settings, rounds: Math.min(rounds, settings.rounds) },
  });
  const throughput: CaseResult[] = [];
  for (const kind of DEFLATE_CASES) {
    const contestants = throughputContestants(bench.contestants, kind.deflate?.hasTakeover === true);
    throughput.push(...(await compareCases(among(contestants, DEFLATE_THROUGHPUT_ROUNDS), [kind])));
  }
  const wantsIdle = bench.wants(DEFLATE_IDLE.name) && (!settings.isQuick || settings.only !== undefined);
  const connections = wantsIdle
    ? await compareConnections(
        among(idleContestants(bench.contestants), IDLE_ROUNDS),
        Math.min(IDLE_CONNECTIONS, settings.idleConnections),
        { kind: DEFLATE_IDLE, holdSeconds: IDLE_SECONDS },
      )
    : [];
  return { throughput, connections };
}

/** All who compress, in their settings, made of those who do not; and wsloom without, which shows what compressing costs. */
export function throughputContestants(plain: readonly Contestant[], hasTakeover: boolean): Contestant[] {
  const bare = plain.filter(({ name }) => name === 'wsloom').map(uncompressed);
  return [...plain.flatMap((contestant) => compressing(contestant, hasTakeover)), ...bare];
}

/** All who compress, in their first setting, each beside itself uncompressed. */
export function idleContestants(plain: readonly Contestant[]): Contestant[] {
  return plain.flatMap((contestant) =>
    compressing(contestant, true)
      .slice(0, 1)
      .flatMap((compressed) => [compressed, uncompressed(contestant)]),
  );
}
