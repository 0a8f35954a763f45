/** Measures the framing loop with one kernel: `node measure-loop.js full|quick KERNEL`. Prints the attempts as one line of JSON. */
import { KERNEL_CHOICES } from '#dist/kernels/create-kernel.js';
import { LOOP_EFFORT, measureLoop } from './framing-loop.js';

const [effort, name] = process.argv.slice(2);
const kernel = KERNEL_CHOICES.find((choice) => choice === name);
if (kernel === undefined || (effort !== 'full' && effort !== 'quick'))
  throw new Error(`there is no ${effort} with ${name}`);
const attempts = measureLoop(kernel, LOOP_EFFORT[effort], () => performance.now());
process.stdout.write(`${JSON.stringify(attempts)}\n`);
