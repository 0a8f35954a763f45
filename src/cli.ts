#!/usr/bin/env node
import { CommanderError } from 'commander';
import { describeError, EXIT_USAGE, exitCodeOf, fieldsOf } from './cli/errors.js';
import { failureLine } from './cli/log-flags.js';
import { createProgram } from './cli/program.js';

async function main(argv: readonly string[]): Promise<void> {
  // The reader of the output may go away (`| head`): that is no reason for a server to end.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {});
  const args = argv.slice(2);
  try {
    await createProgram(args).parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE; // it has printed its message
      return;
    }
    process.stderr.write(failureLine(args, describeError(error), fieldsOf(error)));
    process.exitCode = exitCodeOf(error);
  }
}

await main(process.argv);
