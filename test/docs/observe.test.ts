import { describe, expect, it } from 'vitest';
import { METRICS } from '../../dist/monitor/metrics.js';
import { textOf } from './documents.js';

const DOCUMENT = 'docs/observe.md';

/** The name of every series. */
const SERIES: ReadonlySet<string> = new Set(
  METRICS.flatMap(({ name, type }) =>
    type === 'histogram' ? ['', '_bucket', '_sum', '_count'].map((suffix) => name + suffix) : [name],
  ),
);

/** The names of metrics that a text has, and that there are not. */
function unknown(text: string): string[] {
  return [...new Set(text.match(/\bwsloom_\w+/g) ?? [])].filter((name) => !SERIES.has(name));
}

describe(DOCUMENT, () => {
  it('names only metrics that there are', () => {
    expect(unknown(textOf(DOCUMENT))).toEqual([]);
    expect(unknown('rate(wsloom_nope_total[5m]) + wsloom_message_bytes_bucket')).toEqual(['wsloom_nope_total']);
  });
});
