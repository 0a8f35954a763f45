/** One round of the study in a browser. ./page-server serves this page, and takes what it posts, errors too. */
import { BROWSER_EFFORT, browserCases } from './browser-cases.js';
import { expectFineClock, stepOf } from './clock-step.js';
import { Harness } from './harness.js';
import { fetchFiles } from './page-files.js';
import { MODULES, type PageJob, type PageRound, PATHS } from './page-round.js';
import { Workplace } from './workplace.js';

/** Without cold cases nothing has to be put into the caches. */
const NO_CACHE_BYTES = 0;
/** For so long the page waits for the rest of the browser, which still starts, on the same core. */
const SETTLING_MS = 4000;

const job = (await (await fetch(PATHS.job)).json()) as PageJob;
// Otherwise the clock is coarser, and moves at random.
if (!crossOriginIsolated) throw new Error('the page is not isolated: crossOriginIsolated is false');
const clock = () => performance.now();
const effort = BROWSER_EFFORT[job.isQuick ? 'quick' : 'full'];
const clockStepMs = stepOf(clock);
expectFineClock(clockStepMs, effort.batchMs);
await fetchFiles(MODULES);
await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
const harness = new Harness(new Workplace(NO_CACHE_BYTES), effort, job.round, clock);
const measured = harness.measure(browserCases(job.isQuick).slice(0, job.most));
await fetch(PATHS.round, { method: 'POST', body: JSON.stringify({ ...measured, clockStepMs } satisfies PageRound) });
