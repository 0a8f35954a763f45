import { describe, expect, it } from 'vitest';
import { METRICS } from '../../dist/monitor/metrics.js';
import { snippetsOf, textOf } from './documents.js';

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

  it('has alerts with labels that their metrics have', () => {
    const alerts = snippetsOf(DOCUMENT).find(({ file }) => file === 'alerts.yml')?.text ?? '';
    const rules = alerts.split('- alert: ').slice(1);
    expect(rules.length).toBeGreaterThan(5);
    for (const rule of rules) {
      const [metric] = METRICS.filter(({ name }) => rule.includes(name)).sort((a, b) => b.name.length - a.name.length);
      const used = [...rule.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
      expect(used.length).toBeGreaterThan(0);
      for (const label of used) expect([...(metric?.labels ?? []), 'instance', 'job'], rule).toContain(label);
    }
  });
});
