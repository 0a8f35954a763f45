import type { HistogramSample, Labels, Metric } from './metric.js';
import { METRICS } from './metrics.js';
import type { MetricsFormat } from './metrics-format.js';
import { MetricsReading, type MetricsSources } from './metrics-reading.js';

/** The metrics of a server, as Prometheus reads them. */
export function renderMetrics(sources: MetricsSources, format: MetricsFormat): string {
  const reading = new MetricsReading(sources);
  const families = METRICS.map((metric) => renderMetric(metric, reading, format)).filter((family) => family !== '');
  return `${families.join('')}${format === 'openmetrics' ? '# EOF\n' : ''}`;
}

/** One family: what is said of it, and its samples. @returns '' if it has none */
function renderMetric(metric: Metric, reading: MetricsReading, format: MetricsFormat): string {
  const { name, type, help } = metric;
  const lines = metric.type === 'histogram' ? histogramLines(metric.read(reading), name) : valueLines(metric, reading);
  if (lines.length === 0) return '';
  // In OpenMetrics a family of counters is called without the suffix of its samples.
  const family = format === 'openmetrics' && type === 'counter' ? name.slice(0, -TOTAL.length) : name;
  const unit = format === 'openmetrics' ? /_(seconds|bytes)$/.exec(family)?.[1] : undefined;
  const head = [
    `# HELP ${family} ${escapeHelp(help, format)}`,
    `# TYPE ${family} ${type}`,
    ...(unit === undefined ? [] : [`# UNIT ${family} ${unit}`]),
  ];
  return `${[...head, ...lines].join('\n')}\n`;
}

const TOTAL = '_total';

function valueLines(metric: Exclude<Metric, { readonly type: 'histogram' }>, reading: MetricsReading): string[] {
  return metric
    .read(reading)
    .map(({ labels, value }) => `${metric.name}${inBraces(renderPairs(labels))} ${renderValue(value)}`);
}

function histogramLines(samples: readonly HistogramSample[], name: string): string[] {
  return samples.flatMap(({ labels, bounds, counts, sum }) => {
    const pairs = renderPairs(labels);
    const before = pairs === '' ? `${name}_bucket{le="` : `${name}_bucket{${pairs},le="`;
    let count = 0;
    const lines = counts.map((inBucket, i) => {
      count += inBucket;
      return `${before}${renderBound(bounds[i])}"} ${renderValue(count)}`;
    });
    const own = inBraces(pairs);
    lines.push(`${name}_sum${own} ${renderValue(sum)}`, `${name}_count${own} ${renderValue(count)}`);
    return lines;
  });
}

/** As OpenMetrics wants it, in both formats: else a bucket would have another name in each. */
function renderBound(bound: number | undefined): string {
  if (bound === undefined) return '+Inf';
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

function renderValue(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

function renderPairs(labels: Labels): string {
  let pairs = '';
  for (const name in labels) pairs += `${pairs === '' ? '' : ','}${name}="${escapeQuoted(labels[name] as string)}"`;
  return pairs;
}

function inBraces(pairs: string): string {
  return pairs === '' ? '' : `{${pairs}}`;
}

function escapeQuoted(text: string): string {
  return /[\\\n"]/.test(text) ? escapeLine(text).replaceAll('"', '\\"') : text;
}

function escapeHelp(text: string, format: MetricsFormat): string {
  return format === 'openmetrics' ? escapeQuoted(text) : escapeLine(text);
}

function escapeLine(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
