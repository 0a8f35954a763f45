import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../dist/cli/program.js';
import { commandsReference, limitsReference } from '../../dist/cli/reference.js';
import { withGenerated } from '../../dist/options/markdown.js';
import { SERVER_ROWS } from '../../dist/primary/option-rows.js';
import { FIGURE_NAMES, figureOf } from '../../dist/telemetry/figures.js';

const page = (name: string) => fileURLToPath(new URL(`../../docs/${name}.md`, import.meta.url));

describe('the generated part of the docs', () => {
  it.each([
    ['limits', limitsReference()],
    ['cli', commandsReference(createProgram([]))],
  ])('is up to date in docs/%s.md; if not, npm run docs writes it', async (name, generated) => {
    const path = page(name);
    await expect(withGenerated(readFileSync(path, 'utf8'), generated)).toMatchFileSnapshot(path);
  });

  it('has a row for every limit, with its flag and its counters', () => {
    const rows = limitsReference().split('\n');
    for (const [name, { limit, flag }] of Object.entries(SERVER_ROWS)) {
      const own = rows.filter((row) => row.startsWith(`| \`${name}\` |`));
      expect(own, name).toHaveLength(limit === undefined ? 0 : 1);
      if (limit !== undefined && flag !== undefined) expect(own[0]).toContain(`| \`${flag}\` |`);
    }
    expect(rows.find((row) => row.includes('| `stallTimeoutMs` |'))).toMatch(/\| 30 s \|.*\| `limits.stalls` \|$/);
  });

  it('has every flag of every command', () => {
    const program = createProgram([]);
    const text = commandsReference(program);
    for (const command of program.commands.filter((one) => one.name() !== 'help')) {
      for (const { flags } of command.options) expect(text).toContain(`| \`${flags}\` |`);
    }
  });
});

it('every figure of a limit names options that exist', () => {
  for (const name of FIGURE_NAMES) {
    for (const option of figureOf(name).options ?? []) expect(Object.keys(SERVER_ROWS), name).toContain(option);
  }
});

it('a page without marks is not changed', () => {
  expect(() => withGenerated('# Limits\n', 'x')).toThrow(/a page needs/);
});
