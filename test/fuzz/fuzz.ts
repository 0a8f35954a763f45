/**
 * Feeds mutated streams to the framing loop and compares its events with those of the reference, and sends pipelines of requests
 * to a server: see --help. Everything about an input follows from the seed and its number. Only the number of inputs depends on the
 * time.
 */
import { parseArgs } from 'node:util';
import { type Agreement, check, Rigs } from './check.js';
import { type Input, inputOf } from './input.js';
import { PipelineRig, pipelineOf } from './pipelines.js';
import { shrink } from './shrink.js';

const HELP = `Usage: npm run fuzz -- [--of KIND] [--seconds N] [--seed S]
       npm run fuzz -- --of KIND --replay SEED:NUMBER

  --of KIND          streams of frames, pipelines of HTTP requests, or both, half of the time each; default both
  --seconds N        how long, default 60
  --seed S           an integer from 0 to 4294967295, default 1
  --replay SEED:N    only this input, as a failure has named it; of streams unless --of says otherwise
  --help
`;

const KINDS = ['streams', 'pipelines', 'both'] as const;

interface Options {
  readonly of: (typeof KINDS)[number];
  readonly seconds: number;
  readonly seed: number;
  /** The number of the only input to run. */
  readonly replay: number | undefined;
}

/** How many inputs run between two looks at the clock. */
const BATCH = 50;

function options(): Options | undefined {
  const { values } = parseArgs({
    options: {
      of: { type: 'string', default: 'both' },
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' },
      replay: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const seconds = Number(values.seconds);
  if (!(seconds > 0 && Number.isFinite(seconds))) {
    throw new TypeError(`--seconds must be a number above 0, got "${values.seconds}"`);
  }
  const of = KINDS.find((kind) => kind === values.of);
  if (of === undefined) throw new TypeError(`--of must be one of ${KINDS.join(', ')}, got "${values.of}"`);
  if (values.replay === undefined) return { of, seconds, seed: integer('--seed', values.seed), replay: undefined };
  const [seed = '', number = '', ...rest] = values.replay.split(':');
  if (rest.length > 0) throw new TypeError(`--replay must be SEED:NUMBER, got "${values.replay}"`);
  return { of, seconds, seed: integer('--replay', seed), replay: integer('--replay', number) };
}

function integer(option: string, text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : -1;
  if (value >= 0 && value < 2 ** 32) return value;
  throw new TypeError(`${option} wants integers from 0 to 4294967295, got "${text}"`);
}

class Tally {
  inputs = 0;
  #bytes = 0;
  #messages = 0;
  #controlFrames = 0;
  #heapMessages = 0;
  readonly #outcomes = new Map<string, number>();

  add({ stream }: Input, { verdict, heapMessages }: Agreement): void {
    this.inputs++;
    this.#bytes += stream.length;
    for (const event of verdict.events) {
      if (/^(text|binary)/.test(event)) this.#messages++;
      else this.#controlFrames++;
    }
    this.#heapMessages += heapMessages;
    const outcome = String(verdict.closeCode ?? 'read to the end');
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
  }

  line(seed: number, seconds: number): string {
    const outcomes = [...this.#outcomes].sort().map(([outcome, count]) => `${outcome}: ${count}`);
    return [
      `fuzz: seed ${seed}, ${this.inputs} inputs (${this.#bytes} bytes), each with 4 kernels, in ${seconds.toFixed(1)} s`,
      `${this.#messages} messages, ${this.#controlFrames} control frames`,
      `${this.#heapMessages} messages by way of the heap`,
      outcomes.join(', '),
      `${Math.round(this.inputs / seconds)} inputs/s`,
    ].join('; ');
  }
}

/** Memory in which no input has failed. */
let cleanRigs = new Rigs();

/** The error that the framing loop makes with an input, in clean memory; undefined if it makes none. */
function failure(input: Input): string | undefined {
  try {
    check(input, cleanRigs);
    return undefined;
  } catch (error) {
    cleanRigs = new Rigs();
    return (error as Error).message;
  }
}

function report(seed: number, number: number, input: Input, message: string): void {
  const alone = failure(input);
  const small = alone === undefined ? input : shrink(input, (candidate) => failure(candidate) !== undefined);
  console.error(`FAILED: seed ${seed}, input ${number}: ${message}`);
  if (alone === undefined) console.error('It does not fail in clean memory: what came before it matters.');
  console.error(`Smallest stream that fails (${failure(small) ?? message}):\n${small.stream.toString('hex')}`);
  console.error(`fed as ${JSON.stringify(small.setting)}`);
  console.error(
    `To replay: npm run fuzz -- --of streams --replay ${seed}:${number}. To keep: test/fuzz/past-failures.ts`,
  );
}

function runStreams({ seconds, seed, replay }: Options): number {
  const rigs = new Rigs();
  const tally = new Tally();
  const startedAt = performance.now();
  const elapsed = () => (performance.now() - startedAt) / 1000;
  for (let number = replay ?? 0; ; number++) {
    const input = inputOf(seed, number);
    try {
      tally.add(input, check(input, rigs));
    } catch (error) {
      report(seed, number, input, (error as Error).message);
      return 1;
    }
    if (replay !== undefined || (number % BATCH === 0 && elapsed() >= seconds)) break;
  }
  console.log(tally.line(seed, elapsed()));
  return 0;
}

/** How many pipelines are on their way at a time. */
const TOGETHER = 8;

async function runPipelines({ seconds, seed, replay }: Options): Promise<number> {
  const rig = await PipelineRig.start();
  const startedAt = performance.now();
  const elapsed = () => (performance.now() - startedAt) / 1000;
  let next = replay ?? 0;
  let answers = 0;
  let failures = 0;
  const one = async () => {
    while (failures === 0 && (replay === undefined ? elapsed() < seconds : next === replay)) {
      const number = next++;
      const pipeline = pipelineOf(seed, number);
      try {
        const answered = await rig.check(pipeline);
        answers += answered; // not `+=` with await: others run meanwhile
      } catch (error) {
        failures++;
        const names = pipeline.pieces.map(({ name }) => name).join(', ');
        console.error(
          `FAILED: seed ${seed}, pipeline ${number} (${names}; cut at ${pipeline.cuts.join(', ')}): ${error}`,
        );
        console.error(`To replay: npm run fuzz -- --of pipelines --replay ${seed}:${number}`);
      }
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, one));
  await rig.close();
  console.log(
    `fuzz: seed ${seed}, ${next} pipelines, ${answers} answers in their order, in ${elapsed().toFixed(1)} s, ${failures} failures`,
  );
  return failures === 0 ? 0 : 1;
}

async function run(options: Options): Promise<number> {
  const { of, seconds, replay } = options;
  if (of === 'pipelines') return runPipelines(options);
  if (of === 'streams' || replay !== undefined) return runStreams(options);
  const half = { ...options, seconds: seconds / 2 };
  return runStreams(half) || runPipelines(half);
}

async function main(): Promise<number> {
  let chosen: Options | undefined;
  try {
    chosen = options();
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (chosen !== undefined) return run(chosen);
  process.stdout.write(HELP);
  return 0;
}

process.exitCode = await main();
