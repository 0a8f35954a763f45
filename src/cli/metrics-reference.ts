import { METRICS } from '../monitor/metrics.js';
import { asCode, markdownTable } from '../options/markdown.js';

/** The table of docs/observe.md: a row for each metric. */
export function metricsReference(): string {
  const rows = METRICS.map(({ name, type, labels, help }) => [
    asCode(name),
    type,
    labels.map(asCode).join(', '),
    help.replaceAll('|', '\\|'),
  ]);
  return markdownTable(['metric', 'type', 'labels', 'what it says'], rows);
}
