import type { Command } from 'commander';
import { NEVER_BYTES } from '../kernels/thresholds.js';
import { milliseconds, OptionSet } from '../options/define.js';
import { showSize } from '../options/units.js';
import type { Disturbance } from '../study/disturbance.js';
import {
  type AutoChoice,
  type Crossover,
  type KernelFigure,
  type KernelStudy,
  studyKernels,
} from '../study/study-kernels.js';
import { flagsOf, valuesOf } from './flags.js';
import { figure, table } from './table.js';
import { showThresholds } from './thresholds.js';

interface KernelsFlags {
  readonly json?: boolean;
}

/** The longest measurement, in ms: a day. */
const MAX_MEASURE_MS = 86_400_000;

/** What is measured by: options of the command only. */
export const KERNELS_ROWS = {
  measureMs: milliseconds({
    least: 0,
    most: MAX_MEASURE_MS,
    byDefault: 10_000,
    flag: '--seconds',
    help: 'how long it takes, all in all',
  }),
} as const;

const FLAGS = flagsOf(KERNELS_ROWS);
const OPTIONS = new OptionSet(KERNELS_ROWS);

/** The sizes that the table has; `--json` has all. */
const SHOWN_SIZES = [4, 16, 64, 512, 4096, 65536];

const HELP = `
It measures unmasking (unmask), UTF-8 validation (validate) and both in one (unmaskText) by each kernel, for sizes from 1 byte
to 64 KiB and texts of four scripts. The figures are ns per call, the best of many batches; gbps is 10^9 bytes per second.
In JSON, 4294967295 bytes is never.

The star is for the kernel that auto is the fastest with. That is js, wasm or native, and never native for unmask; js-byte and
wasm-scalar are there for comparison, unless the machine has no WebAssembly SIMD. (For js, auto has loops of its own, for a few bytes.)

The machine should have nothing else to do. If it had, stderr has a warning, and the exit code is 0 all the same. It takes the time
of --seconds, but at least about half a second of CPU time.

It ends with the value of serve --thresholds that is right for this machine, for texts half of which are ASCII.`;

/** Adds the command that measures the kernels on the machine of the user. */
export function addKernels(program: Command): void {
  const command = program.command('kernels').description('measure what unmasks and validates payloads on this machine');
  for (const flag of FLAGS.values()) command.addOption(flag);
  command.option('--json', 'print all figures as one JSON object').addHelpText('after', HELP).action(kernels);
}

function kernels({ json }: KernelsFlags, command: Command): void {
  const seconds = OPTIONS.resolve(valuesOf(FLAGS, command)).measureMs / 1000;
  const isShown = process.stderr.isTTY;
  if (isShown) process.stderr.write(`measuring for about ${seconds} s …`);
  // The time since the process began has passed, too.
  const study = studyKernels(seconds - performance.now() / 1000);
  if (isShown) process.stderr.write('\r\x1b[K');
  const flag = `--thresholds ${showThresholds(study.thresholds)}`;
  const warning = warningOf(study.disturbance);
  if (warning !== undefined) process.stderr.write(`${warning}\n`);
  process.stdout.write(json === true ? `${JSON.stringify({ ...study, flag }, null, 2)}\n` : showStudy(study, flag));
}

/** What to say of figures of a machine that was busy. Undefined if it was quiet. */
export function warningOf({ wasBusy, unsteadyCases, lostTime }: Disturbance): string | undefined {
  if (!wasBusy) return undefined;
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  return (
    `The machine was busy, so do not trust these figures: other work had the processor for ${percent(lostTime)} of the time, ` +
    `and in ${percent(unsteadyCases)} of the cases the median is more than 20 % above the best.`
  );
}

/** All of a study as text, for people. @param flag the thresholds, as `serve` takes them */
export function showStudy({ node, cpu, results, choices, crossovers }: KernelStudy, flag: string): string {
  return [
    `Node ${node}, ${cpu}`,
    `ns per call of each kernel; * is the one that auto is the fastest with\n${figures(results, choices)}`,
    `In bytes, from where on one is faster than the other\n${overtakings(crossovers)}`,
    `Every result was right. The thresholds of auto on this machine:\n\n  wsloom serve ${flag}\n`,
  ].join('\n\n');
}

function figures(results: readonly KernelFigure[], choices: readonly AutoChoice[]): string {
  const kernels = [...new Set(results.map(({ kernel }) => kernel))];
  const rows = new Map<string, KernelFigure[]>();
  for (const result of results) {
    if (!SHOWN_SIZES.includes(result.bytes)) continue;
    const title = `${result.op} ${result.content} ${showSize(result.bytes)}`;
    rows.set(title, [...(rows.get(title) ?? []), result]);
  }
  return table(
    ['', ...kernels.map((kernel) => `${kernel} `)],
    [...rows].map(([title, row]) => {
      const cells = kernels.map((kernel) => {
        const result = row.find((one) => one.kernel === kernel);
        return result === undefined ? '' : `${figure(result.ns)}${isChosen(result, choices) ? '*' : ' '}`;
      });
      return [title, ...cells];
    }),
  );
}

function isChosen({ op, content, bytes, kernel }: KernelFigure, choices: readonly AutoChoice[]): boolean {
  return choices.some(
    (one) => one.op === op && one.content === content && one.bytes === bytes && one.kernel === kernel,
  );
}

function overtakings(crossovers: readonly Crossover[]): string {
  const steps = [...new Set(crossovers.map(stepOf))];
  const rows = new Map<string, Crossover[]>();
  for (const one of crossovers) {
    const title = `${one.op} ${one.content}`;
    rows.set(title, [...(rows.get(title) ?? []), one]);
  }
  return table(
    ['', ...steps],
    [...rows].map(([title, row]) => [
      title,
      ...steps.map((step) => showBytes(row.find((one) => stepOf(one) === step))),
    ]),
  );
}

function stepOf({ from, to }: Crossover): string {
  return `${from} → ${to}`;
}

function showBytes(crossover: Crossover | undefined): string {
  if (crossover === undefined) return '';
  return crossover.bytes === NEVER_BYTES ? 'never' : showSize(crossover.bytes);
}
