/** Asks all questions once, in a process of their own: `node ask.js`. Prints the answers as one line of JSON. */
import { askAboutSharing, askQuestions } from './questions.js';

process.stdout.write(`${JSON.stringify([...askQuestions(), ...askAboutSharing()])}\n`);
