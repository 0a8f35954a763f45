import type { Command } from 'commander';
import { addFrameDecode } from './frame-decode.js';
import { addFrameEncode } from './frame-encode.js';
import { type FrameOutput, OF_PROCESS } from './frame-output.js';

const HELP = `
Examples:
  wsloom frame encode --text hello --mask 37fa213d
  wsloom frame decode 818537fa213d7f9f4d5158
  wsloom frame encode --ping --raw | wsloom frame decode --raw`;

/** Adds the commands that make frames, and take them apart. @param output other than that of the process, for tests. */
export function addFrame(program: Command, output: FrameOutput = OF_PROCESS): void {
  const command = program
    .command('frame')
    .description('make WebSocket frames, and take them apart (RFC 6455 section 5.2)')
    .helpCommand(false)
    .addHelpText('after', HELP);
  addFrameEncode(command, output);
  addFrameDecode(command, output);
}
