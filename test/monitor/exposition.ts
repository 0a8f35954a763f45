import type { MetricsFormat } from '../../dist/monitor/metrics-format.js';

/** One line of values. */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What is said of one metric, and its values. */
export interface ParsedFamily {
  readonly type: string;
  readonly help: string;
  readonly unit: string | undefined;
  readonly samples: readonly ParsedSample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?=[a-zA-Z_])|$)/y;
const NUMBER = /^(?:[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[+-]Inf|NaN)$/;
const TYPES: readonly string[] = ['counter', 'gauge', 'histogram'];

/**
 * Reads metrics more strictly than Prometheus does, in its text format 0.0.4 or in OpenMetrics 1.0: the lines of a family stand together, its
 * HELP and TYPE come first, no value comes twice, and histograms add up.
 * @throws Error that names the line
 */
export function parseExposition(text: string, format: MetricsFormat): Map<string, ParsedFamily> {
  const families = new Map<string, ParsedFamily & { readonly samples: ParsedSample[] }>();
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new Error('the last line does not end');
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new Error('there is no EOF at the end');
  let current = '';
  const seen = new Set<string>();
  for (const line of lines) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    const [, keyword, family = '', rest = ''] = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      if (!NAME.test(family)) fail('no name');
      if (families.has(family)) fail('a family comes twice');
      const escapes = format === 'openmetrics' ? /^(?:[^\\"]|\\[\\n"])*$/ : /^(?:[^\\]|\\[\\n])*$/;
      if (!escapes.test(rest)) fail('a wrong escape');
      families.set(family, { type: '', help: rest.replace(/\\([\\"])/g, '$1'), unit: undefined, samples: [] });
      current = family;
      continue;
    }
    const known = families.get(current) ?? fail('a line in front of the first HELP');
    if (keyword === 'TYPE' || keyword === 'UNIT') {
      if (family !== current || known.samples.length > 0) fail('it belongs to another family');
      if (keyword === 'TYPE' && !TYPES.includes(rest)) fail('no such type');
      if (keyword === 'UNIT' && (format === 'text' || !family.endsWith(`_${rest}`))) fail('a wrong unit');
      families.set(current, { ...known, ...(keyword === 'TYPE' ? { type: rest } : { unit: rest }) });
      continue;
    }
    const [, name = '', labelText = '', number = ''] = SAMPLE.exec(line) ?? fail('no sample');
    if (!sampleNames(current, known.type, format).includes(name)) fail('the name of another family');
    if (!NUMBER.test(number)) fail('no number');
    const labels = readLabels(labelText) ?? fail('wrong labels');
    const value = Number(number.replace('Inf', 'Infinity'));
    if (known.type !== 'gauge' && !(value >= 0)) fail('less than 0');
    const key = name + JSON.stringify(Object.entries(labels).sort());
    if (seen.has(key)) fail('a value comes twice');
    seen.add(key);
    known.samples.push({ name, labels, value });
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

function sampleNames(family: string, type: string, format: MetricsFormat): readonly string[] {
  if (type === 'gauge') return [family];
  if (type === 'counter') return [format === 'openmetrics' ? `${family}_total` : family];
  return ['_bucket', '_sum', '_count'].map((suffix) => family + suffix);
}

/** @returns undefined if they cannot be read */
function readLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name = '', value = ''] = LABEL.exec(text) ?? [];
    if (name === '' || name in labels) return undefined;
    labels[name] = value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  }
  return labels;
}

function checkFamily(name: string, { type, samples }: ParsedFamily): void {
  if (type === '') throw new Error(`${name} has no type`);
  if (samples.length === 0) throw new Error(`${name} has no samples`);
  if (type !== 'histogram') return;
  const others = ({ labels: { le: _, ...rest } }: ParsedSample) => JSON.stringify(rest);
  for (const which of new Set(samples.map(others))) {
    const own = samples.filter((sample) => others(sample) === which);
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels: { le = '' } }) => Number(le.replace('Inf', 'Infinity')));
    const isAscending = bounds.every((bound, i) => i === 0 || bound > (bounds[i - 1] as number));
    const isCumulative = buckets.every(({ value }, i) => i === 0 || value >= (buckets[i - 1]?.value ?? 0));
    const count = own.find((sample) => sample.name === `${name}_count`)?.value;
    const isWhole = bounds.at(-1) === Number.POSITIVE_INFINITY && buckets.at(-1)?.value === count;
    const hasSum = own.some((sample) => sample.name === `${name}_sum`);
    if (!(isAscending && isCumulative && isWhole && hasSum)) throw new Error(`${name} is no histogram: ${which}`);
  }
}

/** The values of a sample by its labels, or of the only one. @param name with its suffix */
export class Exposition {
  readonly families: ReadonlyMap<string, ParsedFamily>;
  readonly #samples: readonly ParsedSample[];

  constructor(text: string, format: MetricsFormat = 'text') {
    this.families = parseExposition(text, format);
    this.#samples = [...this.families.values()].flatMap(({ samples }) => samples);
  }

  /** The sum of all samples of this name that have these labels; undefined if there is none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const found = this.#samples.filter(
      (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
    return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
  }

  /** The values of a label that samples of this name have, in their order. */
  labelsOf(name: string, label: string): string[] {
    const own = this.#samples.filter((sample) => sample.name === name);
    return [...new Set(own.map(({ labels }) => labels[label] ?? ''))];
  }
}
