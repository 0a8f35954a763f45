import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command as Program, CommanderError } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFrame } from '../../dist/anatomy/make-frame.js';
import { describeError, EXIT_USAGE, exitCodeOf } from '../../dist/cli/errors.js';
import { addFrame } from '../../dist/cli/frame.js';
import { deflatedMessage } from '../../dist/cli/message-deflate.js';
import { failureLine } from '../../dist/cli/log-flags.js';
import { textLine } from '../../dist/cli/log-line.js';
import { createProgram } from '../../dist/cli/program.js';
import { noise } from '../protocol/client-frames.js';
import { Command } from './command.js';

interface Outcome {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `wsloom frame` to its end, in a process of its own. */
async function runProcess(args: readonly string[], input: string | Uint8Array = ''): Promise<Outcome> {
  await using command = Command.run('frame', ...args);
  command.process.stdin.end(input);
  const code = await command.ended;
  return { code, stdout: command.stdout, stderr: command.stderr };
}

/** Runs `wsloom frame` in this process, which is quicker. It has no standard input. */
async function run(args: readonly string[]): Promise<Outcome> {
  const outcome = { code: 0, stdout: '', stderr: '' };
  const program = new Program('wsloom')
    .exitOverride()
    .configureOutput({ outputError: () => {}, writeErr: (text) => (outcome.stderr += text) });
  addFrame(program, {
    print: async (output) => {
      outcome.stdout += Buffer.from(output).toString();
      return true;
    },
    warn: (text) => {
      outcome.stderr += textLine({ level: 'warn', text });
    },
    endWith: (code) => {
      outcome.code = code;
    },
  });
  try {
    await program.parseAsync(['node', 'wsloom', 'frame', ...args]);
  } catch (error) {
    outcome.code = error instanceof CommanderError ? EXIT_USAGE : exitCodeOf(error);
    outcome.stderr += failureLine(args, error instanceof CommanderError ? error.message : describeError(error));
  }
  return outcome;
}

const runAll = (calls: readonly (readonly string[])[]) => Promise.all(calls.map((args) => run(args)));

describe('wsloom frame encode', () => {
  it('makes the frames of RFC 6455 section 5.7', async () => {
    const mask = ['--mask', '37fa213d'];
    const calls = [
      [['--text', 'Hello'], '810548656c6c6f'],
      [['--text', 'Hello', ...mask], '818537fa213d7f9f4d5158'],
      [['--text', 'Hel', '--no-fin'], '010348656c'],
      [['--continuation', 'lo'], '80026c6f'],
      [['--ping', 'Hello'], '890548656c6c6f'],
      [['--pong', 'Hello', ...mask], '8a8537fa213d7f9f4d5158'],
      [['--binary', noise(256).toString('hex')], `827e0100${noise(256).toString('hex')}`],
    ] as const;
    const outcomes = await runAll(calls.map(([args]) => ['encode', ...args]));
    expect(outcomes).toEqual(calls.map(([, bytes]) => ({ code: 0, stdout: `${bytes}\n`, stderr: '' })));
    const large = await runProcess(['encode', '--opcode', 'binary', '--file', '-'], noise(65_536));
    expect(large.stdout === `827f0000000000010000${noise(65_536).toString('hex')}\n`).toBe(true);
  });

  it('makes the other frames', async () => {
    const calls = [
      [['--text', 'hello', '--mask', '37:FA 21,3d'], '818537fa213d5f9f4d5158'],
      [['--text', 'grüß'], '81066772c3bcc39f'],
      [['--text', ''], '8100'],
      [['--text=-5'], '81022d35'],
      [['--ping'], '8900'],
      [['--ping', '--hex', '00ff'], '890200ff'],
      [['--pong'], '8a00'],
      [['--close'], '8800'],
      [['--close', '1001'], '880203e9'],
      [['--close', '1000', '--reason', 'bye'], '880503e8627965'],
      [['--binary', '0x00 0xFF', '--no-fin', '--mask', 'none'], '020200ff'],
      [['--continuation', '--no-fin'], '0000'],
      [['--opcode', '2', '--hex', 'ab', '--length', '7'], '8201ab'],
      [['--opcode', 'PONG', '--from', 'server'], '8a00'],
      [['--text', 'Hello', '--deflate'], 'c107f248cdc9c90700'],
    ] as const;
    const outcomes = await runAll(calls.map(([args]) => ['encode', ...args]));
    expect(outcomes).toEqual(calls.map(([, bytes]) => ({ code: 0, stdout: `${bytes}\n`, stderr: '' })));
  });

  it('masks by a random key if asked to, or if a client sends', async () => {
    const masked = /^8182([\da-f]{8})([\da-f]{4})\n$/;
    const outcomes = await runAll([
      ['encode', '--text', 'hi', '--mask', 'random'],
      ['encode', '--text', 'hi', '--mask', 'random'],
      ['encode', '--text', 'hi', '--from', 'client'],
    ]);
    const keys = outcomes.map(({ stdout }) => {
      const [, key = '', payload = ''] = masked.exec(stdout) ?? [];
      const plain = Number.parseInt(payload, 16) ^ Number.parseInt(key.slice(0, 4), 16);
      expect([stdout, plain]).toEqual([stdout, 0x6869]);
      return key;
    });
    expect(new Set(keys).size).toBe(3);
  });

  const ILLEGAL = [
    [['--text', 'a', '--rsv1'], 'c10161', 'reserved bits without an extension (RFC 6455 section 5.2)'],
    [['--text', 'a', '--rsv2', '--rsv3'], 'b10161', 'reserved bits without an extension (RFC 6455 section 5.2)'],
    [['--opcode', '0xb'], '8b00', 'reserved opcode 11 (RFC 6455 section 5.2)'],
    [['--ping', '--no-fin'], '0900', 'fragmented control frame (RFC 6455 section 5.5)'],
    [['--binary', 'ab', '--length', '16'], '827e0001ab', 'length 1 in 16 bits (RFC 6455 section 5.2)'],
    [
      ['--binary', 'ab', '--length', '64'],
      '827f0000000000000001ab',
      'length of at most 16 bits in 64 bits (RFC 6455 section 5.2)',
    ],
    [['--close', '1005'], '880203ed', 'close code 1005 may not be sent (RFC 6455 section 7.4)'],
    [['--close', '--hex', '03'], '880103', 'close payload of one byte (RFC 6455 section 5.5.1)'],
    [['--opcode', 'text', '--hex', 'ff'], '8101ff', 'text that is not UTF-8 (RFC 6455 section 8.1)'],
    [['--text', 'a', '--from', 'client', '--mask', 'none'], '810161', 'frame without a mask (RFC 6455 section 5.1)'],
    [
      ['--text', 'a', '--from', 'server', '--mask', '00000000'],
      '81810000000061',
      'masked frame from a server (RFC 6455 section 5.1)',
    ],
    [
      ['--ping', 'x'.repeat(126)],
      `897e007e${'78'.repeat(126)}`,
      'control frame of over 125 bytes (RFC 6455 section 5.5)',
    ],
  ] as const;

  it('makes a frame that breaks a rule only if it is asked for that, and says which rule', async () => {
    const legal = await runAll(ILLEGAL.map(([args]) => ['encode', ...args]));
    expect(legal).toEqual(
      ILLEGAL.map(([, , found]) => ({
        ...{ code: 2, stdout: '' },
        stderr: `wsloom: the frame breaks a rule: ${found}; --illegal makes it all the same\n`,
      })),
    );
    const illegal = await runAll(ILLEGAL.map(([args]) => ['encode', ...args, '--illegal']));
    expect(illegal).toEqual(
      ILLEGAL.map(([, bytes, found]) => ({
        ...{ code: 0, stdout: `${bytes}\n` },
        stderr: `wsloom: warning: the frame breaks a rule: ${found}\n`,
      })),
    );
  });

  it('is refused with one line that says what to do', async () => {
    const wrong = [
      [[], /^wsloom: say which frame to make, by one of --text, --binary, --ping, /],
      [['--text', 'a', '--ping'], /'--text <text>' cannot be used with option '--ping \[text\]'/],
      [['--text'], /option '--text <text>' argument missing/],
      [['--binary', '0'], /It must be bytes in hex, like 48656c6c6f \(a byte of one digit at position 1/],
      [['--binary', '\x1b[2J'], /no digit of hex at position 1: "\\u001b"/],
      [['--mask', '37fa21', '--ping'], /It must be random, none, or four bytes in hex, like 37fa213d\./],
      [['--opcode', '16'], /It must be continuation, text, binary, close, ping, pong, or a number from 0 to 15\./],
      [['--close', '65536'], /It must be a number, like 1000\./],
      [['--close', '--reason', 'a'], /--reason needs --close with a code, like --close 1000/],
      [['--ping', '--reason', 'a'], /--reason needs --close with a code/],
      [['--text', 'a', '--hex', '00'], /--hex is a second payload: use it with --opcode, like --opcode text --hex/],
      [['--ping', '--hex', '00', '--file', 'a'], /'--hex <hex>' cannot be used with option '--file <path>'/],
      [['--ping', '--file', '/nowhere/at/all'], /--file must be a file that can be read: ENOENT/],
      [['--text', 'a', '--length', '8'], /Allowed choices are 7, 16, 64/],
      [['--ping', 'x'.repeat(126), '--length', '7'], /--length: a length of 126 does not fit into 7 bits/],
      [['--ping', '--deflate'], /^wsloom: --deflate compresses a text or binary message that is one frame\n/],
      [['--text', 'a', '--deflate', '--no-fin'], /--deflate compresses a text or binary message that is one frame/],
      [['--text', 'a', '--deflate', '--rsv1'], /'--deflate' cannot be used with option '--rsv1'/],
      [['--text', 'a', '--from', 'me'], /Allowed choices are client, server/],
      [['--text', 'a', '--raw', '--diagram'], /'--raw' cannot be used with option '--diagram'/],
    ] as const;
    const outcomes = await runAll(wrong.map(([args]) => ['encode', ...args]));
    for (const [i, { code, stdout, stderr }] of outcomes.entries()) {
      expect({ args: wrong[i]?.[0], code, stdout }).toEqual({ args: wrong[i]?.[0], code: 2, stdout: '' });
      expect(stderr).toMatch(wrong[i]?.[1] as RegExp); // there are as many
      expect(stderr).toMatch(/^wsloom: \P{Cc}+\n$/u);
    }
  });

  describe('with a file', () => {
    let folder = '';
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'wsloom-frame-'));
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it('takes its bytes as the payload, up to 16 MiB', async () => {
      const most = join(folder, 'most');
      const over = join(folder, 'over');
      writeFileSync(most, Buffer.alloc(16 * 1024 * 1024, 'a'));
      writeFileSync(over, Buffer.alloc(16 * 1024 * 1024 + 1, 'a'));
      const fits = await run(['encode', '--opcode', 'text', '--file', most]);
      expect([fits.code, fits.stdout.length]).toEqual([0, 2 * (10 + 16 * 1024 * 1024) + 1]);
      const refused = await run(['encode', '--opcode', 'text', '--file', over]);
      expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('has more than 16 MiB\n') });
    });
  });
});

describe('wsloom frame decode', () => {
  it('draws and explains the masked "Hello" of RFC 6455 section 5.7', async () => {
    const { code, stdout, stderr } = await run(['decode', '818537fa213d7f9f4d5158']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^Frame 1, at byte 0: 81 85 37fa213d: FIN TEXT, 5 bytes, masked\n\n 0 {19}1 .*\n\+-+\+\n\nFIN .*\nPayload Data +5 bytes +"Hello"\n\n1 frame, no rule is broken\n$/s,
    );
  });

  it('draws what README.md shows', async () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const [, picture = ''] = /```text\n(\+-\+-[^`]*)\n```/.exec(readme) ?? [];
    expect(picture.split('\n').length).toBeGreaterThan(8);
    expect((await run(['decode', '818537fa213d7f9f4d5158'])).stdout).toContain(picture);
  });

  it('reads hex in any form, from arguments and from standard input, and bytes', async () => {
    const hello = await run(['decode', '--json', '810548656c6c6f']);
    const others = await Promise.all([
      run(['decode', '--json', '81 05', '48:65:6c', '6c6f']),
      runProcess(['decode', '--json', '-'], '0x81, 0x05\n0x48 0x65\r\n0x6c 6c\t6f\n'),
      runProcess(['decode', '--json', '--raw'], Buffer.from('810548656c6c6f', 'hex')),
      runProcess(['decode', '--json', '--raw', '-'], Buffer.from('810548656c6c6f', 'hex')),
    ]);
    for (const other of others) expect(other).toEqual(hello);
    expect(JSON.parse(hello.stdout)).toMatchObject({ frame: 1, name: 'TEXT', text: 'Hello', broken: [] });
  });

  it('puts fragments together, and counts the frames', async () => {
    const { code, stdout } = await run(['decode', '--from', 'server', '01 03 48 65 6c', '8900', '80 02 6c 6f']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\n\nFrame 2, at byte 5: 89 00: FIN PING, 0 bytes\n/);
    expect(stdout).toMatch(/\n\nFrame 3, at byte 7: 80 02: FIN CONTINUATION, 2 bytes\n/);
    expect(stdout).toMatch(/\n\nA text message of 2 frames: "Hello"\n\n3 frames, no rule is broken\n$/);
    const open = await run(['decode', '01 03 48 65 6c']);
    expect(open.stdout).toMatch(
      /\n\nA message is not whole: its last frame, with FIN, is missing\.\n1 frame, no rule /,
    );
    expect(open.code).toBe(0);
  });

  it('ends with 1 if a rule is broken, and says which', async () => {
    const broken = [
      ['c10161', 'reserved bits without an extension (RFC 6455 section 5.2)'],
      ['810161', 'frame without a mask (RFC 6455 section 5.1)', '--from', 'client'],
      ['818100000000', 'payload cut off: 0 of 1 bytes (RFC 6455 section 5.2)'],
      ['80026c6f', 'continuation of nothing (RFC 6455 section 5.4)'],
      ['8101ff', 'text that is not UTF-8 (RFC 6455 section 8.1)'],
    ] as const;
    const outcomes = await runAll(broken.map(([hex, , ...flags]) => ['decode', hex, ...flags]));
    for (const [i, { code, stdout, stderr }] of outcomes.entries()) {
      expect([code, stderr]).toEqual([1, '']);
      expect(stdout).toContain(`\nBroken rule: ${broken[i]?.[1]}\n`);
      expect(stdout).toMatch(/\n1 frame, 1 with broken rules\n$/);
    }
    const two = await run(['decode', '8b00', '8a00']);
    expect(two).toMatchObject({ code: 1, stdout: expect.stringMatching(/\n2 frames, 1 with broken rules\n$/) });
  });

  it('decompresses the messages of RFC 7692 section 7.2.3', async () => {
    const calls = [
      ['c107f248cdc9c90700', 1, 7],
      ['4103f248cd 8004c9c90700', 2, 7],
      ['c10b000500faff48656c6c6f00', 1, 11],
      ['c108f348cdc9c9070000', 1, 8],
      ['c10df2480500 0000ffffcac9c90700', 1, 13],
    ] as const;
    for (const [i, { code, stdout }] of (
      await runAll(calls.map(([hex]) => ['decode', '--deflate', '--json', ...hex.split(' ')]))
    ).entries()) {
      expect(code).toBe(0);
      const { message } = JSON.parse(stdout.trim().split('\n').at(-1) as string);
      const [, frames, compressedBytes] = calls[i] as (typeof calls)[number]; // there are as many
      expect(message).toEqual({
        contents: 'text',
        frames,
        bytes: 5,
        compressedBytes,
        payload: '48656c6c6f',
        text: 'Hello',
      });
    }
    const shared = await run(['decode', '--deflate', 'c107f248cdc9c90700', 'c105f200110000']);
    expect(shared.stdout).toMatch(
      /\n\nA text message of 1 frame, 7 bytes decompressed to 5: "Hello"\n.*\n\nA text message of 1 frame, 5 bytes decompressed to 5: "Hello"\n\n2 frames, no rule/s,
    );
  });

  it('says that a message cannot be decompressed, or is not UTF-8 behind that', async () => {
    const [corrupt, text] = (await runAll([
      ['decode', '--deflate', 'c103070707', 'c107f248cdc9c90700'],
      ['decode', '--deflate', 'c103fa0f00'],
    ])) as [Outcome, Outcome];
    expect(corrupt.code).toBe(1);
    expect(corrupt.stdout).toMatch(
      /^Broken rule: corrupt compressed message: .* \(RFC 1951\)\n.* 1007 INVALID_PAYLOAD\.$/m,
    );
    expect(corrupt.stdout).toMatch(/\n2 frames, 1 with broken rules\n$/);
    expect(text.code).toBe(1);
    expect(text.stdout).toContain('\nBroken rule: text that is not UTF-8 (RFC 6455 section 8.1)\n');
  });

  it('does not decompress a message that gets longer than 16 MiB, nor those behind it', async () => {
    const frames = [16 * 1024 * 1024 + 1, 5].map((bytes) => {
      const payload = Buffer.from(deflatedMessage(Buffer.alloc(bytes, 'a')));
      return Buffer.concat([makeFrame({ opcode: 1, rsv: 0x40, payload })]).toString('hex');
    });
    const { code, stdout } = await run(['decode', '--deflate', '--json', ...frames]);
    expect(code).toBe(0);
    const messages = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).message);
    expect(messages).toMatchObject([{ contents: 'compressed' }, { contents: 'compressed' }]);
  });

  it('is told what it cannot see', async () => {
    const calls = [
      ['decode', 'c10161', '--deflate'],
      ['decode', '80026c6f', '--mid-message'],
    ];
    for (const { code, stdout } of await runAll(calls)) {
      expect(stdout).toMatch(/\n1 frame, no rule is broken\n$/);
      expect(code).toBe(0);
    }
  });

  it('shows as much of a payload as it is asked for', async () => {
    const hex = `827e0100${noise(256).toString('hex')}`;
    const payloadOf = ({ stdout }: Outcome) => JSON.parse(stdout).payload as string;
    const outcomes = await runAll(
      [[], ['--payload', 'none'], ['--payload', '3'], ['--payload', '64KiB']].map((flags) => [
        'decode',
        '--json',
        hex,
        ...flags,
      ]),
    );
    expect(outcomes.map(payloadOf)).toEqual([64, 0, 3, 256].map((bytes) => noise(256).toString('hex', 0, bytes)));
    const { stdout } = await run(['decode', hex, '--payload', '8']);
    expect(stdout).toMatch(/^: +248 bytes more +:$/m);
  });

  it('escapes what a peer has chosen, as text and in JSON', async () => {
    const payload = Buffer.from('\x1b[2J\u009b\u202e\r\n\x07');
    const hex = Buffer.concat([Buffer.from([0x81, payload.length]), payload]).toString('hex');
    for (const { stdout } of await runAll([
      ['decode', hex],
      ['decode', '--json', hex],
    ])) {
      expect(stdout).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
      expect(stdout).toContain('"\\u001b[2J\\u009b\\u202e\\r\\n\\u0007"');
    }
  });

  it('shows a frame as soon as it is whole', async () => {
    await using command = Command.run('frame', 'decode', '-');
    command.process.stdin.write('8900 8');
    await command.says('stdout', /Frame 1, at byte 0: 89 00: FIN PING, 0 bytes\n.*Payload len +0000000/s);
    command.process.stdin.end('a00');
    expect(await command.ended).toBe(0);
    expect(command.stdout).toMatch(/Frame 2, at byte 2: 8a 00: FIN PONG, 0 bytes\n.*\n2 frames, no rule is broken\n$/s);
  });

  it('ends when nobody reads what it says any more', async () => {
    await using command = Command.run('frame', 'decode', '--raw');
    command.process.stdin.on('error', () => {}); // it reads no more
    command.process.stdin.write(Buffer.alloc(100_000));
    await command.says('stdout', /Frame 1, /);
    command.process.stdout.destroy();
    expect(await command.ended).toBe(0);
  });

  it('is refused with one line that says what to do', async () => {
    const wrong = [
      [[], /^wsloom: a frame is missing: give it in hex, or - for standard input\n$/],
      [[''], /^wsloom: there is no frame: the input is empty\n$/],
      [['8'], /the frames must be in hex: a byte of one digit at position 1: each has two/],
      [['81', 'no'], /the frames must be in hex: no digit of hex at position 4: "n"/],
      [['--raw', '8100'], /--raw reads standard input, so that there can be no hex beside it/],
      [['-', '8100'], /- stands for standard input, and must stand alone/],
      [['8100', '--payload', '64.1KiB'], /It must be a size, like/],
      [['8100', '--payload', '65KiB'], /It must be none, or a size of up to 64KiB\./],
      [['8100', '--from', 'me'], /Allowed choices are client, server/],
    ] as const;
    const outcomes = await runAll(wrong.map(([args]) => ['decode', ...args]));
    for (const [i, { code, stdout, stderr }] of outcomes.entries()) {
      expect({ args: wrong[i]?.[0], code, stdout }).toEqual({ args: wrong[i]?.[0], code: 2, stdout: '' });
      expect(stderr).toMatch(wrong[i]?.[1] as RegExp); // there are as many
      expect(stderr).toMatch(/^wsloom: \P{Cc}+\n$/u);
    }
  });
});

describe('wsloom frame', () => {
  it('makes what it can take apart, in a pipe', async () => {
    await using encode = Command.run(
      'frame',
      'encode',
      '--close',
      '4000',
      '--reason',
      'bye',
      '--from',
      'client',
      '--raw',
    );
    await using decode = Command.run('frame', 'decode', '--raw', '--from', 'client', '--json');
    encode.process.stdout.pipe(decode.process.stdin);
    expect([await encode.ended, await decode.ended]).toEqual([0, 0]);
    expect(JSON.parse(decode.stdout)).toMatchObject({ masked: true, close: { code: 4000, name: null, reason: 'bye' } });
  });

  it('draws what it makes as it draws what it takes apart', async () => {
    const [made, taken] = (await runAll([
      ['encode', '--text', 'Hello', '--mask', '37fa213d', '--diagram'],
      ['decode', '818537fa213d7f9f4d5158'],
    ])) as [Outcome, Outcome];
    expect(taken.stdout).toBe(`Frame 1, at byte 0: ${made.stdout}\n1 frame, no rule is broken\n`);
  });

  it('without a command, or with a command or a flag that there is not, is refused', async () => {
    const [none, unknown, bytes, flag] = (await Promise.all(
      [[], ['decod'], ['8105', '48656c6c6f'], ['encode', '--txt', 'a']].map((args) => runProcess(args)),
    )) as [Outcome, Outcome, Outcome, Outcome];
    expect([none, unknown, bytes, flag].map(({ code, stdout }) => [code, stdout])).toEqual(Array(4).fill([2, '']));
    expect(none.stderr).toMatch(/^Usage: wsloom frame /);
    expect(unknown.stderr).toBe("wsloom: unknown command 'decod'; did you mean: decode (--help lists what there is)\n");
    expect(bytes.stderr).toContain("unknown command '8105'; did you mean: wsloom frame decode 8105 48656c6c6f (");
    expect(flag.stderr).toContain("unknown option '--txt'; did you mean: --text (");
  });

  it.each(['encode', 'decode'])('has a --help of %s that names each of its flags, with what it does', async (name) => {
    const frame = createProgram([]).commands.find((one) => one.name() === 'frame');
    const command = frame?.commands.find((one) => one.name() === name);
    await using named = Command.run('help', 'frame', name);
    const flagged = await runProcess([name, '--help']);
    expect(await named.ended).toBe(0);
    expect(flagged).toEqual({ code: 0, stdout: named.stdout, stderr: '' });
    expect(command?.options.length).toBeGreaterThan(5);
    for (const { flags, description } of command?.options ?? []) {
      expect(description).not.toBe('');
      expect(flagged.stdout).toContain(`  ${flags} `);
    }
    expect(flagged.stdout).toMatch(/\nExit codes: 0, /);
    expect(flagged.stdout).toMatch(/\n {2}-V, --version +print the version and exit\n {2}-h, --help +print this help/);
    const text = flagged.stdout.slice(flagged.stdout.indexOf('print this help'));
    expect(text.split('\n').filter((line) => line.length > 130)).toEqual([]);
  });
});
