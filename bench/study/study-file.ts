/** Reads files with the results of a study. What they hold is checked as data of strangers, before any of it is used. */
import { isUtf8 } from 'node:buffer';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KERNEL_CHOICES } from '#dist/kernels/create-kernel.js';
import { THRESHOLD_NAMES, type Thresholds } from '#dist/kernels/thresholds.js';
import { CONTENTS } from '#dist/study/texts.js';
import type { Machine } from '../machine.js';
import { BENCH } from '../paths.js';
import type { Operation } from './candidates.js';
import { type CaseKey, nameOf, PATTERNS } from './case.js';
import type { Check as CheckResult } from './check.js';
import type { CompressionFigure } from './compression.js';
import type { Counters } from './counters.js';
import { LOOP_CONTENTS } from './framing-loop.js';
import { faultsOf } from './gate.js';
import { plainText } from '../plain-text.js';
import { QUESTIONS, type Question } from './questions.js';
import {
  type AnswerFigure,
  COLUMNS,
  deserialize,
  type EndToEndResult,
  type EndToEndTurn,
  type EngineResult,
  FORMAT,
  type Figure,
  figureOf,
  type LoopResult,
  MEASURING,
  type MemoryResult,
  type ModuleSize,
  type Study,
} from './results.js';
import {
  array,
  boolean,
  type Check,
  distinct,
  exactly,
  InvalidField,
  integer,
  matching,
  name,
  number,
  object,
  oneOf,
  optional,
  record,
  row,
  shown,
  text,
} from './schema.js';

/** A file that cannot be used. The message is one line, begins with the name of the file, and is safe to print. */
export class InvalidFile extends Error {}

/** Where contributed files are. */
export const MACHINES = new URL('results/machines/', BENCH);

/** A whole study of four engines takes 1 MiB. */
export const MOST_BYTES = 16 * 1024 * 1024;

/** Reads the study that the report is about: of any format, also a quick one, and one with faults, which the report names. @throws InvalidFile */
export function readStudy(file: string): Study {
  return read(file, studyOf);
}

/** Reads what another machine has contributed: a whole study in which the gate finds no fault. @throws InvalidFile */
export function readMachine(file: string): Study {
  return read(file, contributionOf);
}

/** The files in bench/results/machines, in the order of their names, relative to where this process works. */
export function contributedFiles(): string[] {
  if (!existsSync(MACHINES)) return [];
  const names = readdirSync(MACHINES).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => relative('.', fileURLToPath(new URL(name, MACHINES))));
}

/** Reads the study that the report is about, and those of other machines. No run is read twice. @throws InvalidFile */
export function readStudies(file: string, machines: readonly string[]): [Study, ...Study[]] {
  const studies: [Study, ...Study[]] = [readStudy(file)];
  const runs = new Map([[runOf(studies[0]), file]]);
  for (const machine of machines) {
    const study = readMachine(machine);
    const same = runs.get(runOf(study));
    if (same !== undefined) throw new InvalidFile(`${plainText(machine)}: it is the same run as ${plainText(same)}`);
    runs.set(runOf(study), machine);
    studies.push(study);
  }
  return studies;
}

/** No two runs begin in the same millisecond on processors of one kind. */
function runOf({ date, machine }: Study): string {
  return `${date} ${machine.cpu}`;
}

/** @throws InvalidField for what {@link readMachine} would refuse */
export function contributionOf(text: string): Study {
  const study = parsed(text);
  if (formatOf(study) !== FORMAT) throw new InvalidField(`format must be ${FORMAT}, got ${shown(formatOf(study))}`);
  const checked = checkStudy(study);
  if (checked.isQuick) throw new InvalidField('isQuick must be false: the figures of a quick run are only a hint');
  if (checked.checks.length === 0)
    throw new InvalidField('checks must not be empty: the second program has checked nothing');
  const [first, ...more] = faultsOf(checked);
  if (first === undefined) return checked;
  const others = more.length === 0 ? '' : `, and ${more.length} more`;
  throw new InvalidField(`its figures cannot be right: ${plainText(first)}${others}`);
}

function studyOf(text: string): Study {
  const study = parsed(text);
  return formatOf(study) === undefined ? deserialize(text) : checkStudy(study);
}

function read(file: string, parse: (text: string) => Study): Study {
  const named = plainText(file);
  try {
    if (!existsSync(file)) throw new InvalidField('there is no such file');
    const stats = statSync(file);
    if (!stats.isFile()) throw new InvalidField('it is not a file');
    if (stats.size > MOST_BYTES) throw new InvalidField(`it must have at most ${MOST_BYTES} bytes, got ${stats.size}`);
    const bytes = readFileSync(file);
    if (!isUtf8(bytes)) throw new InvalidField('it is not UTF-8');
    return parse(bytes.toString());
  } catch (error) {
    if (error instanceof InvalidField) throw new InvalidFile(`${named}: ${error.message}`);
    // The system's own words, or what a study of format 1 lacks.
    throw new InvalidFile(`${named}: ${plainText(error instanceof Error ? error.message : String(error))}`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidField('it is not JSON');
  }
}

function formatOf(study: unknown): unknown {
  return typeof study === 'object' && study !== null ? Reflect.get(study, 'format') : undefined;
}

/** What is written: a study whose figures are lines of a table. */
interface Written extends Omit<Study, 'engines'> {
  readonly columns: readonly string[];
  readonly engines: readonly EngineResult[];
}

/** @throws InvalidField */
function checkStudy(value: unknown): Study {
  if (formatOf(value) !== FORMAT)
    throw new InvalidField(`format must be ${FORMAT} or older, got ${shown(formatOf(value))}`);
  const { columns: _, ...study } = WRITTEN(value, '');
  return study;
}

/** Costs, speeds and sizes are between these, on any machine. */
const LARGEST = 1e15;
const SMALLEST = 1e-6;
const positive = number(SMALLEST, LARGEST);
const notNegative = number(0, LARGEST);
const bytes = integer(1, 2 ** 32 - 1);
const attempts = (check: Check<number>) => array(1, 100, check);
/** The names that this project gives: of kernels and their sources. */
const ownName = matching(/^[a-z][a-z0-9 -]{0,59}$/, 'a name of small letters, digits, hyphens and spaces');

const OPERATIONS = ['unmask', 'validate', 'unmaskText'] as const satisfies readonly Operation[];

const FIGURE = row<CaseKey & Pick<Figure, 'attempts'>>(COLUMNS, {
  op: oneOf(OPERATIONS),
  candidate: name,
  content: oneOf(['any', ...CONTENTS]),
  bytes,
  alignment: integer(0, 7),
  pattern: oneOf(PATTERNS),
  attempts: attempts(positive),
});

const figure: Check<Figure> = (value, path) => {
  const { attempts: all, ...key } = FIGURE(value, path);
  return figureOf(key, all);
};

const ANSWER = object<AnswerFigure>({
  question: oneOf(Object.keys(QUESTIONS) as Question[]),
  subject: name,
  attempts: attempts(notNegative),
});

const bound = integer(0, 2 ** 32 - 1);
const THRESHOLDS_CHECK = object<Thresholds>(
  Object.fromEntries(THRESHOLD_NAMES.map((threshold) => [threshold, bound])) as Record<keyof Thresholds, Check<number>>,
);

const COMPRESSION = object<CompressionFigure>({
  candidate: name,
  contextTakeover: boolean,
  bytes,
  ratio: number(SMALLEST, 1000),
  deflateMicros: positive,
  inflateMicros: notNegative,
  isSteady: optional(boolean),
});

const ENGINE = object<EngineResult>({
  name,
  version: name,
  compiler: name,
  rounds: integer(1, 100),
  clockStepMs: optional(notNegative),
  figures: distinct(array(1, 20_000, figure), nameOf),
  sentinel: array(0, 100, positive),
  answers: array(0, 200, ANSWER),
  thresholds: optional(THRESHOLDS_CHECK),
  compression: optional(array(0, 500, COMPRESSION)),
});

const VERSION = matching(/^v\d{1,4}\.\d{1,4}\.\d{1,4}[\w.+-]{0,40}$/, 'a version of Node, as v24.0.0');

const MACHINE = object<Machine>({
  cpu: name,
  identity: optional(name),
  vectors: optional(array(1, 64, matching(/^[A-Za-z0-9][\w.-]{0,31}$/, 'a name of vectors, as AVX2'))),
  isVirtual: optional(boolean),
  platform: optional(matching(/^[a-z0-9]{1,20}$/, 'a platform, as linux')),
  arch: optional(matching(/^[a-z0-9]{1,20}$/, 'an architecture, as x64')),
  cores: integer(1, 100_000),
  memoryGiB: integer(0, 1_000_000),
  kernel: name,
  node: VERSION,
});

const MODULE = object<ModuleSize>({ name, bytes, gzipBytes: bytes });

const COUNTERS = object<Counters>({
  op: oneOf(['unmask', 'validate']),
  candidate: name,
  bytes,
  instructionsPerByte: positive,
  cyclesPerByte: positive,
});

const TURN = object<EndToEndTurn>({
  perSecond: positive,
  microsPerMessage: positive,
  isClientBound: boolean,
  isDisturbed: boolean,
});

const THREADS = integer(0, 10_000);

const SERVER = object<EndToEndResult>({
  kernel: ownName,
  threads: THREADS,
  connections: integer(1, 1_000_000),
  bytes,
  inFlight: integer(1, 1_000_000),
  content: oneOf(['ascii', 'utf8', 'binary']),
  turns: array(1, 100, TURN),
});

const MEMORY = object<MemoryResult>({
  kernel: ownName,
  threads: THREADS,
  arenaBytes: integer(1, LARGEST),
  atStart: notNegative,
  afterSmall: notNegative,
  afterLarge: notNegative,
});

const LOOP = object<LoopResult>({
  kernel: oneOf(KERNEL_CHOICES),
  content: oneOf(LOOP_CONTENTS),
  bytes,
  attempts: attempts(positive),
});

const loopName = ({ kernel, content, bytes: size }: LoopResult) => `${kernel} ${content} ${size}`;

const CHECKED = object<CheckResult>({
  engine: optional(name),
  name,
  own: positive,
  slower: positive,
  ns: optional(positive),
});

const DATE = 'a date, as 2026-01-31T12:00:00.000Z';

const WRITTEN = object<Written>({
  format: oneOf([FORMAT]),
  date: (value, path) => {
    const date = matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, DATE)(value, path);
    if (Number.isNaN(Date.parse(date))) throw new InvalidField(`${path} must be ${DATE}, got "${date}"`);
    return date;
  },
  commit: matching(/^([0-9a-f]{7,40}\+?|unknown)$/, 'the hash of a commit, or unknown'),
  machine: MACHINE,
  mainNode: optional(VERSION),
  measuring: optional(oneOf([MEASURING])),
  isQuick: boolean,
  cacheBytes: integer(1, LARGEST),
  fingerprints: record(/^[a-z][a-z0-9 -]{0,59}$/, 100, matching(/^[0-9a-f]{16}$/, 'a hash of 16 digits')),
  modules: array(0, 100, MODULE),
  columns: exactly(COLUMNS),
  engines: distinct(array(1, 32, ENGINE), (engine) => `${engine.name} ${engine.version}`),
  counters: optional(array(0, 100, COUNTERS)),
  endToEnd: array(0, 1000, SERVER),
  memory: array(0, 1000, MEMORY),
  loop: optional(distinct(array(0, 200, LOOP), loopName)),
  checks: array(0, 100, CHECKED),
  failures: array(0, 1000, text(10_000)),
});
