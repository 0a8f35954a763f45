import { figure } from '#dist/cli/table.js';
import { BROWSER_EFFORT } from '../browser-cases.js';
import type { Engine } from '../findings.js';
import { enumeration } from '../markdown.js';

/** How browsers are measured, and with what clocks: an item of a list. Nothing for a study that has not measured its clocks. */
export function clocks(all: readonly Engine[]): string {
  const steps = all.flatMap(({ name, result: { clockStepMs } }) =>
    clockStepMs === undefined ? [] : [`${name} ${figure(clockStepMs * 1000)} µs`],
  );
  if (steps.length === 0) return '';
  const { batchMs, batches } = BROWSER_EFFORT.full;
  return `- **Browsers** run the same harness in a page that is isolated from others (\`Cross-Origin-Opener-Policy\`, \`Cross-Origin-Embedder-Policy\`), each round
  in a new process with a new profile. They have no Buffer, so copies are made by \`set\`, and they measure the cases that engines are compared by.
  Bun runs the same programs as Node.
- **Clocks** move in steps, and those of browsers in coarse ones, so a case has ${batches} batches of about ${batchMs} ms there. If a batch has less than 100 steps,
  or the page is not isolated, the run ends with an error. The steps: ${enumeration(steps)}.
`;
}
