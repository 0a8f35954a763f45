import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { Browser } from '../../../bench/browsers.js';
import { browserCases } from '../../../bench/study/browser-cases.js';
import { browserRound } from '../../../bench/study/browser-engine.js';
import { keyOf } from '../../../bench/study/harness.js';

const folder = mkdtempSync(join(tmpdir(), 'wsloom-fake-browser-'));
afterAll(() => rmSync(folder, { recursive: true }));
const NOWHERE = { bench: pathToFileURL(`${folder}/`), dist: pathToFileURL(`${folder}/`) };

const MOST = 3;
const ATTEMPTS = browserCases(true)
  .slice(0, MOST)
  .map((one, i) => ({ ...keyOf(one), ns: i + 1 }));

let scripts = 0;

/** A program in place of a browser: it says where its profile is, and starts another process, as browsers do. */
function fakeBrowser(script: string): { readonly browser: Browser; readonly seen: () => Seen } {
  const file = join(folder, `${scripts++}.mjs`);
  const notes = `${file}.json`;
  writeFileSync(
    file,
    `import { spawn } from 'node:child_process';
     import { writeFileSync } from 'node:fs';
     const [profile, url] = process.argv.slice(2);
     const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
     writeFileSync(${JSON.stringify(notes)}, JSON.stringify({ profile, home: process.env.HOME, pids: [process.pid, other.pid] }));
     const post = (path, body) => fetch(url + path, { method: 'POST', body });
     ${script}`,
  );
  return {
    browser: { name: 'chromium', prepare: (profile) => [file, profile] },
    seen: () => JSON.parse(readFileSync(notes, 'utf8')) as Seen,
  };
}

interface Seen {
  readonly profile: string;
  readonly home: string;
  readonly pids: readonly number[];
}

const measure = (browser: Browser, mostMs?: number) =>
  browserRound(browser, process.execPath, { isQuick: true, round: 0, most: MOST }, NOWHERE, mostMs);

/** No process of the browser is there any more, and no profile. Ended processes are gone when their parent has noticed it. */
async function expectNothingLeft({ profile, home, pids }: Seen): Promise<void> {
  expect(home).toBe(profile);
  expect(existsSync(profile)).toBe(false);
  const isAlive = (pid: number) => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2] !== 'Z';
    } catch {
      return false;
    }
  };
  await expect.poll(() => pids.filter(isAlive), { timeout: 10_000 }).toEqual([]);
}

describe('a round of a browser', () => {
  it('is what its page posts, under the name of the browser and its version', async () => {
    const posted = { attempts: ATTEMPTS, sentinel: [1000], clockStepMs: 0.02 };
    const { browser, seen } = fakeBrowser(`await post('round', ${JSON.stringify(JSON.stringify(posted))});
      setTimeout(() => {}, 60000);`);
    const [major] = process.versions.node.split('.');
    expect(await measure(browser)).toEqual({
      ...posted,
      name: `Chromium ${major}`,
      version: process.versions.node,
      compiler: expect.stringMatching(/^V8 \d+\.\d$/),
      answers: [],
    });
    await expectNothingLeft(seen());
  });

  it('is none if it is not what was asked for', async () => {
    const posted = { attempts: ATTEMPTS.slice(1), sentinel: [1000], clockStepMs: 0.02 };
    const { browser, seen } = fakeBrowser(`await post('round', ${JSON.stringify(JSON.stringify(posted))});
      setTimeout(() => {}, 60000);`);
    await expect(measure(browser)).rejects.toThrow('a round must have 3 attempts, got 2');
    await expectNothingLeft(seen());
  });

  it('is none if something goes wrong in the page', async () => {
    const { browser, seen } = fakeBrowser(`await post('failure', 'the page is not isolated');
      setTimeout(() => {}, 60000);`);
    await expect(measure(browser)).rejects.toThrow('in the page: the page is not isolated');
    await expectNothingLeft(seen());
  });

  it('is none if the browser ends, and says what it complained about', async () => {
    const { browser, seen } = fakeBrowser(`console.error('no display'); setTimeout(() => process.exit(3), 200);`);
    await expect(measure(browser)).rejects.toThrow(/^chromium ended with 3: no display/);
    await expectNothingLeft(seen());
  });

  it('is none if the browser cannot be started', async () => {
    const profiles: string[] = [];
    const prepare = (profile: string) => {
      profiles.push(profile);
      return [];
    };
    const start = browserRound({ name: 'chromium', prepare }, '/nowhere/browser', { isQuick: true, round: 0 }, NOWHERE);
    await expect(start).rejects.toThrow(/ENOENT|ended with 127/);
    expect(profiles.map((profile) => existsSync(profile))).toEqual([false]);
  });

  it('is given up after a time', async () => {
    const { browser, seen } = fakeBrowser('setTimeout(() => {}, 60000);');
    await expect(measure(browser, 1500)).rejects.toThrow('chromium has not measured within 1.5 s');
    await expectNothingLeft(seen());
  });
});
