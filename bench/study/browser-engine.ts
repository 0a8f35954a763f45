/** A browser as an engine of the study. Each round is a process of its own, with a profile of its own, bound to the core of the servers. */
import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from '../browsers.js';
import { end, launchGroup } from '../children.js';
import { bound, pinning } from '../machine.js';
import { COMPILED, ROOT } from '../paths.js';
import type { StudiedEngine } from './whole.js';
import { BROWSER_EFFORT, browserCases } from './browser-cases.js';
import { keyOf } from './harness.js';
import type { EngineRound } from './join.js';
import type { FoundEngine } from './engines.js';
import { type PageJob, pageRoundOf } from './page-round.js';
import { type PageFolders, PageServer } from './page-server.js';

/** After so long, a round is given up: it takes less than a minute. */
const MOST_MS = 300_000;
/** How much of what a browser complains about is shown, from the end. */
const COMPLAINTS_CHARACTERS = 1000;

/** What pages are made of. */
const PAGE_FOLDERS: PageFolders = { bench: COMPILED, dist: new URL('dist/', ROOT) };

/** A browser cannot be the main engine: it has no processes to count in, and lacks candidates. */
export function browserEngine({ name, program }: FoundEngine, browser: Browser, isQuick: boolean): StudiedEngine {
  return {
    name,
    isBrowser: true,
    measure: (round) => browserRound(browser, program, { isQuick, round }, PAGE_FOLDERS),
  };
}

/**
 * One round of a browser.
 * @param program the path of the browser
 * @throws Error if the browser ends, the page fails, the round is not what was asked for, or it takes too long
 */
export async function browserRound(
  browser: Browser,
  program: string,
  job: PageJob,
  folders: PageFolders,
  mostMs = MOST_MS,
): Promise<EngineRound> {
  await using server = await PageServer.listen(folders, job);
  using profile = new Profile(browser.name);
  const { folder } = profile;
  const command = bound([program, ...browser.prepare(folder), server.url], pinning()?.server);
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder };
  const child = launchGroup(command, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const timeout = new Timeout(mostMs, `${browser.name} has not measured within ${mostMs / 1000} s`);
  try {
    const posted = await Promise.race([server.posted, endOf(child, browser), timeout.over]);
    const { isQuick, most } = job;
    const cases = browserCases(isQuick).slice(0, most).map(keyOf);
    const measured = pageRoundOf(posted, cases, BROWSER_EFFORT[isQuick ? 'quick' : 'full'].batchMs);
    const version = versionOf(program);
    return { ...measured, ...describe(browser, version), version, answers: [] };
  } finally {
    timeout.cancel();
    await end(child);
  }
}

/** A folder that is removed at the end of its block, or with this process. */
class Profile implements Disposable {
  readonly folder: string;
  readonly #remove = () => this[Symbol.dispose]();

  constructor(name: string) {
    this.folder = mkdtempSync(join(tmpdir(), `wsloom-study-${name}-`));
    process.once('exit', this.#remove);
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#remove);
    // Processes that were just ended may still be writing.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

class Timeout {
  readonly over: Promise<never>;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, message: string) {
    this.over = new Promise((_, reject) => {
      this.#timer = setTimeout(() => reject(new Error(message)), ms);
    });
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}

/** Rejected when the browser ends, with its last complaints. */
function endOf(child: ChildProcess, { name }: Browser): Promise<never> {
  let complaints = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    complaints = (complaints + bytes.toString()).slice(-COMPLAINTS_CHARACTERS);
  });
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`${name} ended with ${code ?? signal}: ${complaints}`)));
  });
  ended.catch(() => {}); // it also ends when it is not needed any more
  return ended;
}

/** The version that it prints: `156.0.8078.108`. */
function versionOf(program: string): string {
  const text = execFileSync(program, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const [version] = /\d+(\.\d+)+/.exec(text) ?? [];
  if (version === undefined) throw new Error(`${program} does not say its version: ${text}`);
  return version;
}

/** The versions of their engines follow from those of the browsers: V8 15.6 is that of Chromium 156. */
export function describe({ name }: Browser, version: string): Pick<EngineRound, 'name' | 'compiler'> {
  const major = Number.parseInt(version, 10);
  return name === 'chromium'
    ? { name: `Chromium ${major}`, compiler: `V8 ${(major / 10).toFixed(1)}` }
    : { name: `Firefox ${major}`, compiler: `SpiderMonkey ${major}` };
}
