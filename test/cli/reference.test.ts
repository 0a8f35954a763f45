import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../dist/cli/program.js';
import { metricsReference } from '../../dist/cli/metrics-reference.js';
import { commandsReference, limitsReference } from '../../dist/cli/reference.js';
import type { Option } from '../../dist/options/define.js';
import { withGenerated } from '../../dist/options/markdown.js';
import { METRICS } from '../../dist/monitor/metrics.js';
import { ALL_ROWS } from '../../dist/primary/option-rows.js';
import { FIGURE_NAMES, figureOf } from '../../dist/telemetry/figures.js';
import { membersOf } from '../docs-of-members.js';

/** What the type of the server's options says of each. */
const DOCS = new Map([
  ...membersOf('primary/server-options.ts', 'ServerOptions').map(({ name, doc }) => [name, doc] as const),
  ...membersOf('primary/deflate-options.ts', 'ServerDeflateOptions').map(
    ({ name, doc }) => [`deflate.${name}`, doc] as const,
  ),
]);

const page = (name: string) => fileURLToPath(new URL(`../../docs/${name}.md`, import.meta.url));

describe('the generated part of the docs', () => {
  it.each([
    ['limits', limitsReference(DOCS)],
    ['cli', commandsReference(createProgram([]))],
    ['observe', metricsReference()],
  ])('is up to date in docs/%s.md; if not, npm run docs writes it', async (name, generated) => {
    const path = page(name);
    await expect(withGenerated(readFileSync(path, 'utf8'), generated)).toMatchFileSnapshot(path);
  });

  it('has a row for every limit, with its flag, and its counters', () => {
    const rows = limitsReference(DOCS).split('\n');
    for (const [name, { beyond, flag }] of Object.entries<Option<unknown>>(ALL_ROWS)) {
      const own = rows.filter((row) => row.startsWith(`| \`${name}\` |`));
      expect(own, name).toHaveLength(beyond === undefined ? 0 : 1);
      if (beyond !== undefined && flag !== undefined) expect(own[0]).toContain(`| \`${flag}\` |`);
    }
    expect(rows.find((row) => row.includes('| `stallTimeoutMs` |'))).toMatch(/\| 30 s \|.*\| `limits.stalls` \|$/);
  });

  it('says what a limit bounds as the first sentence of its option does, and what 0 means once', () => {
    const row = limitsReference(DOCS)
      .split('\n')
      .find((one) => one.startsWith('| `idleTimeoutMs` |'));
    expect(row).toContain(
      '| how long a connection may be without a message in either direction, in ms; pings and pongs',
    );
    expect(row).toMatch(/ or 0: never \|/);
    const flag = createProgram([])
      .commands.flatMap(({ options }) => options)
      .find(({ long }) => long === '--idle-timeout');
    expect(flag?.description).toBe('without a message either way; beyond: 1001; 0: never');
  });

  it('has every metric, as Prometheus is told of it', () => {
    const rows = metricsReference().split('\n');
    expect(rows).toHaveLength(METRICS.length + 2);
    for (const { name, help } of METRICS) {
      const own = rows.filter((row) => row.startsWith(`| \`${name}\` |`));
      expect(own, name).toHaveLength(1);
      expect(own[0]).toContain(help);
    }
  });

  it('has every flag of every command', () => {
    const program = createProgram([]);
    const text = commandsReference(program);
    const all = program.commands.flatMap((one) => [one, ...one.commands]).filter((one) => one.name() !== 'help');
    expect(all.map((one) => one.name())).toContain('decode');
    for (const command of all) {
      for (const { flags } of command.options) expect(text).toContain(`| \`${flags}\` |`);
    }
  });
});

it('every figure of a limit names options that exist', () => {
  for (const name of FIGURE_NAMES) {
    for (const option of figureOf(name).options ?? []) expect(Object.keys(ALL_ROWS), name).toContain(option);
  }
});

it('a page without marks is not changed', () => {
  expect(() => withGenerated('# Limits\n', 'x')).toThrow(/a page needs/);
});
