/** Asks one question, in a process of its own: `node ask.js NAME`. Prints the answers as one line of JSON. */
import { ASKS } from './questions.js';

const [name = ''] = process.argv.slice(2);
const ask = ASKS[name];
if (ask === undefined) throw new Error(`there is no question "${name}"`);
process.stdout.write(`${JSON.stringify(ask(() => performance.now()))}\n`);
