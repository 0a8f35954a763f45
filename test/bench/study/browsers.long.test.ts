import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BROWSER_EFFORT, browserCases } from '../../../bench/study/browser-cases.js';
import { browserRound } from '../../../bench/study/browser-engine.js';
import { keyOf } from '../../../bench/study/harness.js';
import { joinRounds } from '../../../bench/study/join.js';
import { type Browser, CHROMIUM, FIREFOX, isThere } from '../../e2e/deflate/browser.js';
import { pathOf } from '../../e2e/installed.js';

const ROOT = new URL('../../../', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'wsloom-study-compiled-'));
const FOLDERS = { bench: pathToFileURL(`${folder}/`), dist: new URL('dist/', ROOT) };
const JOB = { isQuick: true, round: 1, most: 12 };

const measure = (browser: Browser, folders = FOLDERS) =>
  browserRound(browser, pathOf(browser.name) as string, JOB, folders);

beforeAll(async () => {
  const tsc = fileURLToPath(new URL('node_modules/typescript/bin/tsc', ROOT));
  const args = [tsc, '-p', 'bench/tsconfig.json', '--outDir', folder];
  await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(ROOT) });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The same browser, which notes its profiles. */
function noting(browser: Browser): { readonly noted: Browser; readonly profiles: string[] } {
  const profiles: string[] = [];
  const prepare = (profile: string) => {
    profiles.push(profile);
    return browser.prepare(profile);
  };
  return { noted: { ...browser, prepare }, profiles };
}

describe.each([CHROMIUM, FIREFOX])('the study in $name', (browser) => {
  it.skipIf(!isThere(browser))(
    'measures and verifies its cases on an isolated page, and leaves nothing behind',
    async () => {
      const { noted, profiles } = noting(browser);
      const round = await measure(noted);
      expect(round.name).toMatch(browser === CHROMIUM ? /^Chromium \d+$/ : /^Firefox \d+$/);
      expect(round.version).toMatch(/^\d+\.[\d.]+$/);
      expect(round.attempts.map(({ ns: _, ...key }) => key)).toEqual(browserCases(true).slice(0, JOB.most).map(keyOf));
      // Only isolated pages have so fine a clock; what each browser gives to the others is coarser.
      expect(round.clockStepMs).toBeLessThan(0.1);
      expect(round.clockStepMs).toBeLessThanOrEqual(BROWSER_EFFORT.quick.batchMs / 100);
      expect(joinRounds([round, round])).toMatchObject([{ rounds: 2, clockStepMs: round.clockStepMs, answers: [] }]);
      expect(profiles.map((profile) => existsSync(profile))).toEqual([false]);
    },
  );

  it.skipIf(!isThere(browser))('fails with what went wrong in the page', async () => {
    const broken = mkdtempSync(join(tmpdir(), 'wsloom-study-broken-'));
    try {
      execFileSync('cp', ['-r', `${folder}/.`, broken]);
      writeFileSync(
        join(broken, 'study', 'harness.js'),
        'export class Harness { measure() { throw new Error("so it is"); } }',
      );
      await expect(measure(browser, { ...FOLDERS, bench: pathToFileURL(`${broken}/`) })).rejects.toThrow('in the page');
      rmSync(join(broken, 'study', 'harness.js'));
      const missing = measure(browser, { ...FOLDERS, bench: pathToFileURL(`${broken}/`) });
      await expect(missing).rejects.toThrow(/in the page: .*page\.js could not be loaded/);
    } finally {
      rmSync(broken, { recursive: true });
    }
  });
});
