/**
 * Finds the sizes from which on another kernel is faster on this machine, as `wsloom kernels` does, but measures for a minute:
 * `npm run bench:thresholds`. Prints them in the form of src/kernels/thresholds.ts. Needs a quiet machine.
 */
import { showStudy, warningOf } from '#dist/cli/kernels.js';
import { studyKernels } from '#dist/study/study-kernels.js';

const SECONDS = 60;

const study = studyKernels(SECONDS);
const warning = warningOf(study.disturbance);
if (warning !== undefined) console.error(warning);
console.log(showStudy(study, JSON.stringify(study.thresholds, null, 2)));
