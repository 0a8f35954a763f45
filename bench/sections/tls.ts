import type { Bench } from '../bench.js';
import { TLS_CASES } from '../cases.js';
import { type Contestant, secureWs, secureWsloom, TLS_FLOOR, wsloom } from '../contestants.js';
import { buildTlsLoadgen, open } from '../loadgen.js';
import { start } from '../servers.js';
import { type ConnectionsResult, compareConnections, idleKind } from './connections.js';
import { figuresOf, medianFigures, type OpeningFigures, waitForClosing } from './openings.js';
import { type CaseResult, compareCases } from './throughput.js';

/** At most: a case takes as long as in the other section, and all of them are to take some minutes. */
export const TLS_THROUGHPUT_ROUNDS = 5;
const ROUNDS = 3;
const HANDSHAKES = 'tls handshakes';

const IDLE = {
  kind: idleKind('tls connections'),
  /** Longer than without TLS: what handshakes leave behind takes time to be freed. */
  holdSeconds: 2,
};

/** The cases of this section, as `--only` selects them. */
export const TLS_NAMES: readonly string[] = [...TLS_CASES.map(({ name }) => name), HANDSHAKES, IDLE.kind.name];

/** Handshakes before the measurement, so that the server's code is compiled. */
const FIRST_HANDSHAKES = 2000;
const MEASURED_HANDSHAKES = 2000;
/** How many are under way at a time: less than a server's backlog, and enough to keep two threads busy. */
const AT_ONCE = 100;
/** Fewer than without TLS: each takes a handshake, and much more memory. */
const IDLE_CONNECTIONS = 4000;

export interface HandshakeResult {
  readonly server: string;
  /** With one thread, the server has one core, and the load another. With two, both share all cores. */
  readonly threads: number;
  /** TCP, a full handshake of TLS 1.3, and the opening handshake of the WebSocket. */
  readonly full: OpeningFigures;
  /** The same, with a TLS session that is resumed. */
  readonly resumed: OpeningFigures;
}

export interface TlsResults {
  readonly throughput: readonly CaseResult[];
  readonly handshakes: readonly HandshakeResult[];
  readonly connections: readonly ConnectionsResult[];
}

/** Nothing of it was measured. */
export const NO_TLS: TlsResults = { throughput: [], handshakes: [], connections: [] };

/** wsloom, ws on node:https and a floor, all with TLS 1.3. */
export async function tls(bench: Bench): Promise<TlsResults> {
  if (!TLS_NAMES.some((name) => bench.wants(name))) return NO_TLS;
  try {
    await buildTlsLoadgen();
  } catch (error) {
    bench.fail('tls: no load generator that speaks it, which needs the headers of OpenSSL (libssl-dev)', error);
    return NO_TLS;
  }
  const contestants = contestantsOf(bench.contestants);
  const secure = (rounds: number): Bench => ({
    ...bench,
    contestants,
    settings: { ...bench.settings, rounds: Math.min(rounds, bench.settings.rounds) },
  });
  return {
    throughput: await compareCases(secure(TLS_THROUGHPUT_ROUNDS), TLS_CASES),
    handshakes: bench.wants(HANDSHAKES) ? await handshakes(secure(ROUNDS)) : [],
    connections: bench.wants(IDLE.kind.name)
      ? await compareConnections(secure(ROUNDS), Math.min(IDLE_CONNECTIONS, bench.settings.idleConnections), IDLE)
      : [],
  };
}

/** Those who take part with TLS, made of those who take part without it: not all of them do. */
export function contestantsOf(plain: readonly Contestant[]): readonly Contestant[] {
  const of = (wanted: string) => plain.filter(({ name }) => name === wanted);
  return [...of('wsloom').map(secureWsloom), ...of('ws').map(secureWs), TLS_FLOOR];
}

async function handshakes(bench: Bench): Promise<HandshakeResult[]> {
  const settings = [
    ...bench.contestants.map((contestant) => ({ contestant, threads: 1 })),
    { contestant: secureWsloom(wsloom(2)), threads: 2 },
  ];
  const turns = new Map<(typeof settings)[number], HandshakeResult[]>(settings.map((setting) => [setting, []]));
  for (let round = 1; round <= bench.settings.rounds; round++) {
    for (const [setting, results] of turns) {
      const { contestant, threads } = setting;
      const title = `${HANDSHAKES}, round ${round}: ${contestant.name}${threads === 1 ? '' : ` --threads ${threads}`}`;
      try {
        const result = await shake(bench, contestant, threads);
        results.push(result);
        const { full, resumed } = result;
        bench.progress(`${title} ${Math.round(full.cpuMicros)} us of CPU, resumed ${Math.round(resumed.cpuMicros)}`);
      } catch (error) {
        bench.fail(title, error);
        turns.delete(setting);
      }
    }
  }
  return [...turns].map(([{ contestant, threads }, results]) => ({
    server: contestant.name,
    threads,
    full: medianFigures(results.map(({ full }) => full)),
    resumed: medianFigures(results.map(({ resumed }) => resumed)),
  }));
}

async function shake({ pinning }: Bench, contestant: Contestant, threads: number): Promise<HandshakeResult> {
  const cores = threads === 1 ? pinning : undefined;
  const server = await start(contestant, { mode: 'echo', bytes: 20, core: cores?.server });
  const measure = async (connections: number, resumes: boolean) => {
    const figures = figuresOf(await open(server, { connections, atOnce: AT_ONCE, resumes, core: cores?.client }));
    await waitForClosing();
    return figures;
  };
  try {
    await measure(FIRST_HANDSHAKES, false);
    await measure(FIRST_HANDSHAKES, true);
    const full = await measure(MEASURED_HANDSHAKES, false);
    return { server: contestant.name, threads, full, resumed: await measure(MEASURED_HANDSHAKES, true) };
  } finally {
    await server.stop();
  }
}
