/**
 * Finds the sizes at which the kernels change places on this machine, as `wsloom kernels` does, but takes a minute for it:
 * `npm run bench:thresholds`. Prints them as src/kernels/thresholds.ts wants them; wants a quiet machine.
 */
import { showStudy } from '#dist/cli/kernels.js';
import { studyKernels } from '#dist/study/study-kernels.js';

const SECONDS = 60;

const study = studyKernels(SECONDS);
console.log(showStudy(study, JSON.stringify(study.thresholds, null, 2)));
