import type { Command } from 'commander';
import { NEVER_BYTES } from '../kernels/thresholds.js';
import { milliseconds, OptionSet } from '../options/define.js';
import { showSize } from '../options/units.js';
import { type Crossover, type KernelFigure, type KernelStudy, studyKernels } from '../study/study-kernels.js';
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
    help: 'how long to measure, about',
  }),
} as const;

const FLAGS = flagsOf(KERNELS_ROWS);
const OPTIONS = new OptionSet(KERNELS_ROWS);

/** The sizes that the table has; `--json` has all. */
const SHOWN_SIZES = [4, 16, 64, 512, 4096, 65536];

const HELP = `
It measures unmasking (unmask), UTF-8 validation (validate) and both in one (unmaskText) by each kernel, for sizes from 1 byte
to 64 KiB and texts of four scripts. The figures are ns per call, the best of many batches; gbps is 10^9 bytes per second.
In JSON, 4294967295 bytes is never. The machine should have nothing else to do.

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
  const study = studyKernels(seconds);
  if (isShown) process.stderr.write('\r\x1b[K');
  const flag = `--thresholds ${showThresholds(study.thresholds)}`;
  process.stdout.write(json === true ? `${JSON.stringify({ ...study, flag }, null, 2)}\n` : showStudy(study, flag));
}

/** All of a study as text, for people. @param flag the thresholds, as `serve` takes them */
export function showStudy({ node, cpu, results, crossovers }: KernelStudy, flag: string): string {
  return [
    `Node ${node}, ${cpu}`,
    `ns per call; * is the fastest\n${figures(results)}`,
    `In bytes, from where on one is faster than the other\n${overtakings(crossovers)}`,
    `Every result was right. The thresholds of auto on this machine:\n\n  wsloom serve ${flag}\n`,
  ].join('\n\n');
}

function figures(results: readonly KernelFigure[]): string {
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
      const best = Math.min(...row.map(({ ns }) => ns));
      const cells = kernels.map((kernel) => {
        const ns = row.find((result) => result.kernel === kernel)?.ns;
        return ns === undefined ? '' : `${figure(ns)}${ns === best ? '*' : ' '}`;
      });
      return [title, ...cells];
    }),
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
