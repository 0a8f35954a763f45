import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Command } from '../cli/command.js';

const OURS = new URL('../../dist/worker/tsx.js', import.meta.url).href;
const folder = mkdtempSync(join(tmpdir(), 'wsloom-tsx-'));
const dist = join(folder, 'node_modules', 'tsx', 'dist');
const loader = join(dist, 'loader.mjs');

/** A package with the same files as tsx, which notes that it was registered. */
beforeAll(() => {
  mkdirSync(join(dist, 'esm', 'api'), { recursive: true });
  for (const file of [loader, join(dist, 'esm', 'index.mjs'), join(folder, 'other.mjs')]) writeFileSync(file, '');
  writeFileSync(join(dist, 'esm', 'api', 'index.mjs'), `export const register = () => console.log('registered');`);
  const exports = { '.': './dist/loader.mjs', './esm': './dist/esm/index.mjs' };
  writeFileSync(join(folder, 'node_modules', 'tsx', 'package.json'), JSON.stringify({ name: 'tsx', exports }));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe.runIf(process.versions.node.startsWith('20.'))(
  'on Node 20, which registers tsx in the main thread only,',
  () => {
    it('a thread registers it itself, also if NODE_OPTIONS names it', async () => {
      const program = `await (await import(${JSON.stringify(OURS)})).registerTsx();`;
      const env = { ...process.env, NODE_OPTIONS: '--no-warnings  --import=tsx' };
      await using command = new Command(process.execPath, ['--input-type=module', '--eval', program], {
        cwd: folder,
        env,
      });
      expect(await command.ended).toBe(0);
      expect([command.stdout, command.stderr]).toEqual(['registered\n', '']);
    });

    it.each([
      ['by its path', ['--import', loader], 'registered\n'],
      ['by its URL', [`--import=${pathToFileURL(loader).href}`], 'registered\n'],
      ['by its name', ['--import', 'tsx'], 'registered\n'],
      ['by its name for modules', ['--import=tsx/esm'], 'registered\n'],
      ['not at all', ['--import', join(folder, 'other.mjs')], ''],
    ])('a thread registers it itself if the process was started with it %s', async (_, execArgv, said) => {
      const program = `await (await import(${JSON.stringify(OURS)})).registerTsx();`;
      const args = [...execArgv, '--input-type=module', '--eval', program];
      await using command = new Command(process.execPath, args, { cwd: folder });
      expect(await command.ended).toBe(0);
      expect([command.stdout, command.stderr]).toEqual([said, '']);
    });
  },
);
