/** Measures the figures of docs/ten-million.md: see {@link HELP}. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { endChildrenAtExit } from '../children.js';
import { buildFanout } from '../fanout.js';
import { buildLoadgen, buildTlsLoadgen } from '../loadgen.js';
import { commit, descriptorLimit, machine, pinning } from '../machine.js';
import { BENCH } from '../paths.js';
import { OTHER_DESCRIPTORS } from '../sections/connections.js';
import { UsageError, usageOf } from '../settings.js';
import { backplaneFigure, measurableFleets, publicationCpu } from './backplane.js';
import type {
  BackplaneFigure,
  DeliveryFigure,
  Figures,
  Handshake,
  HandshakeFigure,
  MemoryFigure,
  PublicationFigure,
} from './figures-file.js';
import * as measure from './measure.js';
import { medianOf } from './median-of.js';

const HELP = `Usage: npm run ten-million:measure -- [options]

Measures what an idle connection, a message, a delivery, a handshake and a heartbeat take of a server, within five minutes. It wants a
machine on which nothing else runs; engines are looked for on the PATH (nats-server, redis-server). npm run ten-million:simulate and then
npm run ten-million:report make docs/ten-million.md of it.

  --quick        one short round of each, with fewer connections: takes a minute, and its figures are only a hint
  --out <file>   where to write the figures as JSON (bench/results/ten-million-figures.json; with --quick latest-ten-million-figures.json beside it)
  --help         print this

Exit codes: 0 measured, 1 not all of it could be measured, 2 wrong usage.`;

const KIB = 1024;
const SMALL = 100;
const MANY_UNDER_WAY = 32;
/** The size of a message through an engine. */
const ENGINE_BYTES = 256;
/** So many subscribers that what a server knows of them is not in the caches of the processor. */
const MANY = 8000;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(args: readonly string[]): Promise<void> {
  try {
    const { quick: isQuick = false, out, help } = parse(args);
    if (help) {
      process.stdout.write(`${HELP}\n`);
      return;
    }
    endChildrenAtExit();
    const figures = await measureAll(isQuick);
    const file = out ?? fileURLToPath(new URL(`results/${isQuick ? 'latest-' : ''}ten-million-figures.json`, BENCH));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`);
    say(`written to ${relative('.', file)}`);
    if (figures.failures.length > 0) process.exitCode = 1;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say(`ten-million:measure: ${error.message} (--help lists the options)`);
    process.exitCode = 2;
  }
}

function parse(args: readonly string[]) {
  const options = { quick: { type: 'boolean' }, out: { type: 'string' }, help: { type: 'boolean' } } as const;
  return usageOf(() => parseArgs({ args: [...args], options }).values);
}

async function measureAll(isQuick: boolean): Promise<Figures> {
  const about = { date: new Date().toISOString(), commit: commit(), machine: machine() };
  const rounds = isQuick ? 1 : 3;
  const failures: string[] = [];
  const measuring = { cores: pinning(), seconds: isQuick ? 0.5 : 1, warmUpSeconds: isQuick ? 0.5 : 1.5 };
  await buildLoadgen();
  const hasTls = await succeeds(buildTlsLoadgen, 'TLS', failures);
  const most = descriptorLimit() - OTHER_DESCRIPTORS;
  const many = Math.min(most, isQuick ? 1000 : MANY);
  const idle = Math.min(most, isQuick ? 1000 : 2 * MANY);
  const secureIdle = Math.min(most, isQuick ? 500 : MANY / 2);

  /** The median of each figure of several rounds. A figure that cannot be measured is NaN, which JSON writes as null. */
  const rounded: Rounded = async <Figure extends object>(
    name: string,
    one: () => Promise<Figure>,
  ): Promise<Figure | undefined> => {
    try {
      const all: Figure[] = [];
      for (let round = 0; round < rounds; round++) all.push(await one());
      const figure = medianOf(all);
      say(`${name}: ${JSON.stringify(figure)}`);
      return figure;
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      say(`FAILED ${failures.at(-1)}`);
      return undefined;
    }
  };
  const micros = async (name: string, one: () => Promise<number>) =>
    (await rounded(name, async () => ({ micros: await one() })))?.micros ?? Number.NaN;

  const memory: (MemoryFigure | undefined)[] = [
    await rounded('memory', () => measure.memory(measuring, idle, false)),
    hasTls ? await rounded('memory with TLS', () => measure.memory(measuring, secureIdle, true)) : undefined,
  ];
  const echo = { bytes: SMALL, micros: await micros('echo', () => measure.echoMicros(measuring, 100, SMALL)) };
  const deliveries: DeliveryFigure[] = [];
  const topics = [
    { bytes: SMALL, subscribers: 500, isSecure: false },
    { bytes: SMALL, subscribers: many, isSecure: false },
    { bytes: KIB, subscribers: many, isSecure: false },
    { bytes: SMALL, subscribers: Math.min(many, secureIdle), isSecure: true },
  ];
  for (const kind of topics.filter(({ isSecure }) => hasTls || !isSecure)) {
    const name = `delivery of ${kind.bytes} B to ${kind.subscribers}${kind.isSecure ? ' with TLS' : ''}`;
    const topic = measure.topicOf(kind.subscribers, kind.bytes);
    const taken = await micros(name, () => measure.deliveryMicros(measuring, topic, kind.isSecure));
    deliveries.push({ ...kind, micros: taken });
  }
  const publicationOf = async (underWay: number): Promise<PublicationFigure> => {
    const name = `publication, ${underWay} under way`;
    const one = (threads: number) => () => measure.publicationMicros(measuring, SMALL, threads, underWay);
    return {
      oneThreadMicros: await micros(name, one(1)),
      twoThreadsMicros: await micros(`${name}, two threads`, one(2)),
    };
  };
  const publication = await publicationOf(MANY_UNDER_WAY);
  const lonePublication = await publicationOf(1);
  const handshakes: (HandshakeFigure | undefined)[] = [];
  const kinds: readonly Handshake[] = hasTls
    ? ['plain', 'plain, in workers', 'tls', 'tls resumed']
    : ['plain', 'plain, in workers'];
  for (const kind of kinds)
    handshakes.push(
      await rounded(`handshake, ${kind}`, () => measure.handshake(measuring, kind, isQuick ? 500 : 3000)),
    );
  const heartbeat = await micros('heartbeat', () => measure.heartbeatMicros(measuring, many));
  const backplanes = await measureBackplanes(measuring, rounded, failures);
  return {
    ...about,
    rounds,
    isQuick,
    memory: memory.filter((figure) => figure !== undefined),
    echo,
    deliveries,
    publication,
    lonePublication,
    handshakes: handshakes.filter((figure) => figure !== undefined),
    heartbeatMicros: heartbeat,
    backplanes,
    failures,
  };
}

/** With the engines that there are. */
async function measureBackplanes(
  measuring: measure.Measuring,
  rounded: Rounded,
  failures: string[],
): Promise<BackplaneFigure[]> {
  if (!(await succeeds(buildFanout, 'engines', failures))) return [];
  const [single, ...fleets] = measurableFleets(say);
  if (single === undefined) return [];
  const alone = await rounded('publication to no engine', () => publicationCpu(measuring, single, ENGINE_BYTES));
  const figures: BackplaneFigure[] = [];
  for (const fleet of fleets) {
    const name = `publication to ${fleet.by}`;
    const together = await rounded(name, () => publicationCpu(measuring, fleet, ENGINE_BYTES));
    if (alone !== undefined && together !== undefined)
      figures.push(backplaneFigure(fleet.by, ENGINE_BYTES, alone, together));
  }
  return figures;
}

type Rounded = <Figure extends object>(name: string, one: () => Promise<Figure>) => Promise<Figure | undefined>;

async function succeeds(attempt: () => Promise<void>, what: string, failures: string[]): Promise<boolean> {
  try {
    await attempt();
    return true;
  } catch (error) {
    failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

await main(process.argv.slice(2));
