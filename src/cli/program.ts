import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addDeflate } from './deflate.js';
import { explainMistake } from './did-you-mean.js';
import { addFrame } from './frame.js';
import { addInspect } from './inspect.js';
import { addKernels } from './kernels.js';
import { addLoad } from './load.js';
import { failureLine } from './log-flags.js';
import { addServe, BUILT_IN } from './serve.js';

/** The commands of `wsloom`. @param args all that was given, behind `wsloom`, for messages about mistakes. */
export function createProgram(args: readonly string[]): Command {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  const program = new Command('wsloom')
    .description('A WebSocket (RFC 6455) server that uses every core of the machine, a load generator, and tools.')
    .helpOption('-h, --help', 'print this help and exit') // each command has the same
    .exitOverride()
    .configureOutput({
      outputError: (message, write) => {
        const known = { commands: program.commands.map((one) => one.name()), handlers: BUILT_IN, serveFlags };
        write(failureLine(args, `${explainMistake(message, args, known)} (--help lists what there is)`));
      },
    });
  const serveFlags = addServe(program);
  addLoad(program);
  addKernels(program);
  addDeflate(program);
  addFrame(program);
  addInspect(program);
  addHelp(program);
  for (const command of withSubcommands(program)) {
    command.version(version, '-V, --version', 'print the version and exit');
  }
  return program;
}

/** Adds `wsloom help`. That of the parser ignores the name of a command that there is not. */
function addHelp(program: Command): void {
  program.helpCommand(false);
  program
    .command('help')
    .description('print the help of a command')
    .argument('[command...]', 'its name')
    .action((names: readonly string[]) => {
      let command = program;
      for (const name of names) {
        const named = command.commands.find((one) => one.name() === name);
        if (named === undefined) program.error(`error: unknown command '${names.join(' ')}'`);
        command = named;
      }
      command.outputHelp();
    });
}

/** A command, and all commands below it. */
function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}
