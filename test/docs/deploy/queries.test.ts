import { beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../../dist/monitor/metrics.js';
import { builtIn, serve } from '../../e2e/serving.js';
import { parseExposition } from '../../monitor/exposition.js';
import { snippetsOf, textOf } from '../documents.js';
import { alertRules, dashboard, dashboardQueries, deployed } from './deploy-files.js';
import { groupingIn, metricsIn } from './promql.js';

/** Labels that Prometheus adds to every series. */
const OF_PROMETHEUS = ['job', 'instance'];

/** The labels of every series by its name. */
const LABELS = new Map<string, readonly string[]>([['up', OF_PROMETHEUS]]);
for (const { name, type, labels } of METRICS) {
  const own = [...labels, ...OF_PROMETHEUS];
  if (type !== 'histogram') LABELS.set(name, own);
  else
    for (const part of ['bucket', 'sum', 'count'])
      LABELS.set(`${name}_${part}`, part === 'bucket' ? [...own, 'le'] : own);
}

/** The values that a server shows of a label. */
let shown: ReadonlyMap<string, ReadonlySet<string>>;
beforeAll(async () => {
  await using served = await serve({ handler: builtIn('echo'), adminPort: 0, threads: 1 });
  const text = await (await fetch(`${served.server.adminAddress()?.url}/metrics`)).text();
  const values = new Map<string, Set<string>>();
  for (const { samples } of parseExposition(text, 'text').values()) {
    for (const { name, labels } of samples) {
      for (const [label, value] of Object.entries(labels)) {
        const key = `${name} ${label}`;
        values.set(key, (values.get(key) ?? new Set()).add(value));
      }
    }
  }
  shown = values;
});

/** What is wrong with an expression: metrics, labels and values of labels that there are not. */
function mistakesIn(expression: string): string[] {
  const mistakes: string[] = [];
  const uses = metricsIn(expression);
  if (uses.length === 0) mistakes.push('no metric');
  for (const { name, matchers } of uses) {
    const labels = LABELS.get(name);
    if (labels === undefined) mistakes.push(`no metric ${name}`);
    for (const { label, operator, value } of matchers) {
      if (labels?.includes(label) === false) mistakes.push(`${name} has no label ${label}`);
      if (OF_PROMETHEUS.includes(label)) continue;
      for (const one of operator.includes('~') ? value.split('|') : [value]) {
        if (shown.get(`${name} ${label}`)?.has(one) !== true) mistakes.push(`${label} of ${name} is never ${one}`);
      }
    }
  }
  const known = uses.flatMap(({ name }) => LABELS.get(name) ?? []);
  for (const label of groupingIn(expression))
    if (!known.includes(label)) mistakes.push(`nothing has the label ${label}`);
  return mistakes;
}

it('the check of queries finds metrics, labels and values that there are not', () => {
  expect(mistakesIn('sum by (code, thread) (rate(wsloom_nope_total[5m]))')).toEqual([
    'no metric wsloom_nope_total',
    'nothing has the label code',
    'nothing has the label thread',
  ]);
  expect(mistakesIn('wsloom_messages_total{reason="x", direction=~"sent|nope"} > 3e2')).toEqual([
    'wsloom_messages_total has no label reason',
    'reason of wsloom_messages_total is never x',
    'direction of wsloom_messages_total is never nope',
  ]);
  expect(mistakesIn('histogram_quantile(0.9, sum by (le) (rate(wsloom_hook_seconds_bucket{job=~"a"}[5m])))')).toEqual(
    [],
  );
  expect(mistakesIn('wsloom_hook_seconds')).toEqual(['no metric wsloom_hook_seconds']);
  expect(mistakesIn('1 + time()')).toEqual(['no metric']);
});

describe('the dashboard', () => {
  const panels = dashboard().panels.filter(({ type }) => type !== 'row');

  it('asks only for what a server shows', () => {
    const queries = dashboardQueries();
    expect(queries.length).toBeGreaterThan(40);
    for (const { title, expr } of queries) expect(mistakesIn(expr), `${title}: ${expr}`).toEqual([]);
  });

  it('has no empty panel: each has a title, says what it shows, and asks the data source that is chosen', () => {
    for (const { title, description, targets = [], datasource } of panels) {
      expect(title).not.toBe('');
      expect(description, title).toMatch(/^\S.*\.$/);
      expect(targets.length, title).toBeGreaterThan(0);
      expect(datasource?.uid, title).toMatch(/^\$\{datasource\}$/);
      for (const { expr, legendFormat } of targets) {
        expect(legendFormat, title).not.toBe('');
        expect(expr, title).toContain('instance=~"$instance"');
        const labels = metricsIn(expr).flatMap(({ name }) => LABELS.get(name) ?? []);
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(labels, expr).toContain(label);
      }
    }
  });

  it('has panels that do not cover each other, each with a number of its own', () => {
    const taken = new Set<string>();
    for (const { gridPos, title } of dashboard().panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x} ${y}`), title).toBe(false);
          taken.add(`${x} ${y}`);
        }
      }
    }
    const ids = dashboard().panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('names chapters of tune.md that there are', () => {
    for (const { description = '' } of panels) {
      const [, chapter] = /docs\/tune\.md, (.*)\.$/.exec(description) ?? [];
      if (chapter !== undefined) expect(textOf('docs/tune.md')).toContain(`\n## ${chapter}\n`);
    }
  });

  it('has variables for the data source and the servers, with metrics that there are', () => {
    const { list } = dashboard().templating;
    expect(list.map(({ name }) => name)).toEqual(['datasource', 'job', 'instance']);
    for (const { definition } of list) {
      if (definition === undefined) continue;
      const [, metric = '', label = ''] = /^label_values\((\w+)(?:\{.*\})?, (\w+)\)$/.exec(definition) ?? [];
      expect(LABELS.get(metric), definition).toContain(label);
    }
  });
});

describe('the alerts', () => {
  const rules = alertRules();

  it.each(rules.map((rule) => [rule.alert, rule] as const))('%s asks only for what a server shows', (_, { expr }) => {
    expect(mistakesIn(expr)).toEqual([]);
  });

  it.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s says what has happened, how grave it is, and where it is said what to set',
    (_, { expr, labels: { severity }, annotations: { summary = '', runbook = '' } }) => {
      const known = metricsIn(expr).flatMap(({ name }) => LABELS.get(name) ?? []);
      const used = [...summary.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
      expect(used).toContain('instance');
      const gone = [...expr.matchAll(/without \(([^)]*)\)/g)].map(([, label]) => label);
      for (const label of used) {
        expect(known).toContain(label);
        expect(gone).not.toContain(label);
      }
      expect(['page', 'ticket']).toContain(severity);
      const [file = '', anchor = ''] = runbook.split('#');
      expect(file).toBe('docs/tune.md');
      const headings = [...textOf(file).matchAll(/^## (.*)$/gm)].map(([, heading = '']) => heading);
      expect(headings.map((heading) => heading.toLowerCase().replaceAll(' ', '-'))).toContain(anchor);
    },
  );

  it('are tested each, with series that there are', () => {
    interface RuleTests {
      readonly tests: readonly {
        readonly input_series: readonly { readonly series: string }[];
        readonly promql_expr_test: readonly { readonly exp_samples: readonly { readonly labels: string }[] }[];
      }[];
    }
    const { tests } = deployed<RuleTests>('alerts.test.yml');
    for (const { series } of tests.flatMap((test) => test.input_series)) {
      const [{ name = '', matchers = [] } = {}] = metricsIn(series);
      const labels = matchers.map(({ label }) => label).filter((label) => label !== 'job');
      expect(labels.sort(), series).toEqual((LABELS.get(name) ?? []).filter((label) => label !== 'job').toSorted());
    }
    const fired = tests.flatMap((test) => test.promql_expr_test[0]?.exp_samples ?? []).map(({ labels }) => labels);
    expect(fired).toEqual(rules.map(({ alert }) => `{alertname="${alert}", instance="bad:1"}`));
  });
});

describe('what docs/observe.md asks Prometheus', () => {
  it('is there', () => {
    const queries = snippetsOf('docs/observe.md').find(({ text }) => text.startsWith('messages received per second'));
    const lines = (queries?.text ?? '').trim().split('\n');
    expect(lines.length).toBeGreaterThan(4);
    for (const line of lines) expect(mistakesIn(line.split(/ {2,}/)[1] ?? ''), line).toEqual([]);
  });
});

describe('docs/tune.md', () => {
  const text = textOf('docs/tune.md');

  it('names only metrics that there are', () => {
    const named = [...text.matchAll(/`((?:wsloom|process)_\w+)`/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(30);
    const known = new Set([...LABELS.keys(), ...METRICS.map(({ name }) => name)]);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  it('says of each reason why a client is refused, and of each limit, what to set', () => {
    const values = ['wsloom_refused_total reason', 'wsloom_limits_total limit', 'wsloom_dropped_messages_total reason'];
    for (const value of values.flatMap((key) => [...(shown.get(key) ?? [])])) {
      expect(text).toMatch(new RegExp(`[\`"]${value}[\`"]`));
    }
  });
});
