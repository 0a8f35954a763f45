/** Runs one candidate a given number of times, and nothing else: `node count.js OP CANDIDATE BYTES CALLS`, for {@link countAll}. */
import { candidatesOf } from './candidates.js';
import { COUNTED } from './counters.js';
import { USUAL_ALIGNMENT } from './design.js';
import { QUICK_EFFORT } from './harness.js';
import { Loops, Trial } from './trial.js';
import { Workplace } from './workplace.js';

const [op, name, bytes, calls] = process.argv.slice(2);
const [counted] = COUNTED.filter(([itsOp, candidate]) => itsOp === op && candidate === name);
const candidate = counted && candidatesOf(counted[0]).find((one) => one.name === name);
if (counted === undefined || candidate === undefined) throw new Error(`there is no ${op} by ${name}`);
const workplace = new Workplace(0);
const places = workplace.hot(Number(bytes), USUAL_ALIGNMENT);
const group = {
  op: counted[0],
  content: counted[0] === 'unmask' ? 'any' : 'json',
  bytes: Number(bytes),
  alignment: USUAL_ALIGNMENT,
  pattern: 'hot',
} as const;
const loops = new Loops(workplace, QUICK_EFFORT, () => performance.now(), 0);
const trial = new Trial(candidate, group, places, workplace, loops);
trial.prepare();
trial.times = Number(calls);
trial.batch();
trial.verify();
