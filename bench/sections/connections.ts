import type { Bench } from '../bench.js';
import type { Case } from '../cases.js';
import type { Contestant } from '../contestants.js';
import { load } from '../loadgen.js';
import { descriptorLimit } from '../machine.js';
import { start } from '../servers.js';
import { median } from '../statistics.js';

const NAME = 'connections';
const ROUNDS = 3;
/** Descriptors of a server, or of the load generator, that are not connections. */
export const OTHER_DESCRIPTORS = 500;
/** Connections that are opened and closed before the measurement, so that memory and code that are made once do not count. */
const FIRST_CONNECTIONS = 200;
/** How long the connections are held before memory is read. */
const HOLD_SECONDS = 0.5;

export interface ConnectionsResult {
  readonly server: string;
  readonly connections: number;
  /** Connections opened per second, handshake included; 128 at a time are under way. */
  readonly perSecond: number;
  /** How much memory of the server's process an idle connection takes. */
  readonly bytesPerConnection: number;
}

/** Connections that send nothing. */
export function idleKind(name: string): IdleKind {
  return { name, mode: 'echo', bytes: 20, inFlight: 0, content: 'ascii', isQuick: true };
}

/** What connections do before they are idle. */
export type IdleKind = Omit<Case, 'connections'>;

/** How fast connections are opened, and how much memory they take while they are idle. */
export async function connections(bench: Bench): Promise<ConnectionsResult[]> {
  return bench.wants(NAME) ? await compareConnections(bench, bench.settings.idleConnections) : [];
}

/**
 * The same for the given contestants.
 * @param wanted how many connections are opened, if there are descriptors for them
 * @param holdSeconds how long they are idle before memory is read
 */
export async function compareConnections(
  bench: Bench,
  wanted: number,
  {
    kind = idleKind(NAME),
    holdSeconds = HOLD_SECONDS,
  }: { readonly kind?: IdleKind; readonly holdSeconds?: number } = {},
): Promise<ConnectionsResult[]> {
  const { name } = kind;
  const count = Math.min(wanted, descriptorLimit() - OTHER_DESCRIPTORS);
  const turns = new Map<Contestant, ConnectionsResult[]>(bench.contestants.map((contestant) => [contestant, []]));
  for (let round = 1; round <= Math.min(ROUNDS, bench.settings.rounds); round++) {
    for (const [contestant, results] of turns) {
      try {
        const result = await takeTurn(bench, contestant, { ...kind, connections: count }, holdSeconds);
        results.push(result);
        const rate = `${Math.round(result.perSecond)}/s, ${Math.round(result.bytesPerConnection)} bytes each`;
        bench.progress(`${name}, round ${round}: ${contestant.name} ${rate}`);
      } catch (error) {
        bench.fail(`${name}, ${contestant.name}`, error);
        turns.delete(contestant);
      }
    }
  }
  return [...turns].map(([contestant, results]) => ({
    server: contestant.name,
    connections: count,
    perSecond: median(results.map(({ perSecond }) => perSecond)),
    bytesPerConnection: median(results.map(({ bytesPerConnection }) => bytesPerConnection)),
  }));
}

/** A new server each time, because a process rarely gives memory back. */
async function takeTurn(
  { pinning }: Bench,
  contestant: Contestant,
  kind: Case,
  seconds: number,
): Promise<ConnectionsResult> {
  const { connections: count, mode, bytes } = kind;
  const server = await start(contestant, { mode, bytes, core: pinning?.server });
  try {
    const turn = { seconds, warmUpSeconds: 0, core: pinning?.client };
    await load(server, { ...kind, connections: FIRST_CONNECTIONS }, turn);
    const before = server.residentBytes();
    const { connectSeconds, residentBytes, errors } = await load(server, kind, turn);
    if (errors > 0) throw new Error(`${errors} of ${count} connections were lost`);
    const bytesPerConnection = (residentBytes - before) / count;
    return { server: contestant.name, connections: count, perSecond: count / connectSeconds, bytesPerConnection };
  } finally {
    await server.stop();
  }
}
