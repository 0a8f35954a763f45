import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addDeflateFlags, deflateOf } from '../../dist/cli/deflate-flags.js';
import { describeError } from '../../dist/cli/errors.js';
import { flagsOf } from '../../dist/cli/flags.js';
import { SERVER_ROWS } from '../../dist/primary/option-rows.js';
import { resolveOptions } from '../../dist/primary/options.js';
import { encodeRequest, RawClient } from '../e2e/raw-client.js';
import { Command as Process } from './command.js';

function parse(...args: readonly string[]) {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  for (const flag of flagsOf({ deflate: SERVER_ROWS.deflate }).values()) command.addOption(flag);
  addDeflateFlags(command);
  return deflateOf(command.parse(args, { from: 'user' }));
}

/** What the command line says about a mistake. */
function said(...args: readonly string[]): string {
  try {
    resolveOptions({ handler: 'handler.js', ...parse(...args) });
  } catch (error) {
    return describeError(error);
  }
  return 'nothing';
}

describe('the flags of compression', () => {
  it('are no option if none is given', () => {
    expect(parse()).toEqual({});
  });

  it('turn it on with all of its defaults', () => {
    expect(parse('--deflate')).toEqual({ deflate: {} });
  });

  it('make one option', () => {
    const flags = [
      '--deflate',
      '--deflate-level',
      'small',
      '--deflate-threshold',
      '1KiB',
      '--deflate-window-bits',
      '15',
    ];
    const more = ['--deflate-takeover', '--deflate-full-windows', '--deflate-kernel', 'native'];
    expect(parse(...flags, ...more, '--max-deflate-memory', '64MiB')).toEqual({
      deflate: {
        level: 'small',
        thresholdBytes: 1024,
        windowBits: 15,
        contextTakeover: true,
        fullWindows: true,
        kernel: 'native',
        maxMemoryBytes: 64 * 1024 * 1024,
      },
    });
  });

  it('do not turn it on by themselves: it may give secrets away', () => {
    expect(said('--deflate-level', 'small')).toBe('--deflate-level needs --deflate, which turns compression on');
    expect(said('--deflate-takeover')).toBe('--deflate-takeover needs --deflate, which turns compression on');
  });

  it('are named where a value cannot be used, in the units that they take', () => {
    expect(said('--deflate', '--deflate-window-bits', '16')).toBe(
      '--deflate-window-bits must be an integer from 9 to 15, got 16',
    );
    expect(said('--deflate', '--max-deflate-memory', '1KiB')).toBe(
      '--max-deflate-memory must be from 1MiB to 1TiB, got 1KiB',
    );
    expect(() => parse('--deflate', '--deflate-level', 'best')).toThrow(/Allowed choices are fast, small/);
  });
});

describe('wsloom serve', () => {
  it('negotiates compression with --deflate, as its flags say', async () => {
    const flags = ['--deflate', '--deflate-takeover', '--deflate-window-bits', '10'];
    await using command = Process.run('serve', '--port', '0', '--threads', '1', ...flags);
    const { port } = new URL(await command.listening());
    using client = await RawClient.connect(Number(port));
    client.socket.write(encodeRequest('/', ['Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits']));
    expect(await client.response).toContain('permessage-deflate; client_max_window_bits=10\r\n');
  });

  it('does not start with a flag that would do nothing without --deflate', async () => {
    await using command = Process.run('serve', '--port', '0', '--max-deflate-memory', '64MiB');
    expect(await command.ended).toBe(2);
    expect(command.stderr).toBe('wsloom: --max-deflate-memory needs --deflate, which turns compression on\n');
  });
});
