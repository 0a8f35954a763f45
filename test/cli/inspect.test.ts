import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command as Program, CommanderError } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeError, EXIT_USAGE, exitCodeOf } from '../../dist/cli/errors.js';
import { addInspect } from '../../dist/cli/inspect.js';
import { deflatedMessage } from '../../dist/cli/message-deflate.js';
import { pcapFile, pcapngFile, pcapngSection } from '../capture/packets.js';
import { answerOf, captured, frameOf, requestOf, Talk } from '../capture/talk.js';
import { Command } from './command.js';

const [TEXT, CLOSE, PING] = [1, 8, 9] as const;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsloom-inspect-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes an input. @returns its path. */
function written(name: string, bytes: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs `wsloom inspect` in this process. */
async function run(...args: readonly string[]): Promise<Outcome> {
  const outcome: Outcome = { code: 0, stdout: '', stderr: '' };
  const program = new Program('wsloom')
    .exitOverride()
    .configureOutput({ writeErr: (text) => (outcome.stderr += text) });
  addInspect(program, {
    print: async (output) => {
      outcome.stdout += Buffer.from(output).toString();
      return true;
    },
    warn: (text) => {
      outcome.stderr += text;
    },
    endWith: (code) => {
      outcome.code = code;
    },
  });
  try {
    await program.parseAsync(['node', 'wsloom', 'inspect', ...args]);
  } catch (error) {
    outcome.code = error instanceof CommanderError ? EXIT_USAGE : exitCodeOf(error);
    if (!(error instanceof CommanderError)) outcome.stderr += describeError(error);
  }
  return outcome;
}

const talk = () => new Talk().open().send('client', requestOf()).send('server', answerOf());

const SECRETS = [
  'Cookie: session=s3cret',
  'Authorization: Bearer s3cret',
  'Sec-WebSocket-Protocol: s3cret-token, chat',
];
const secretTalk = () =>
  new Talk()
    .open()
    .send('client', requestOf(SECRETS, '/chat?token=s3cret'))
    .send('server', answerOf(['Set-Cookie: id=s3cret', 'Sec-WebSocket-Protocol: s3cret-token', 'X-Other: shown']));

describe('wsloom inspect', () => {
  it('shows a capture: the connection, its frames and messages, and what there was in all', async () => {
    const { packets } = talk()
      .send('client', frameOf('client', TEXT, 'Hel', { isFinal: false }))
      .send('client', frameOf('client', PING, 'there?'))
      .send('client', frameOf('client', 0, 'lo'))
      .send('server', frameOf('server', CLOSE, Buffer.concat([Buffer.of(0x03, 0xe9), Buffer.from('bye')])))
      .close();
    const path = written('talk.pcap', pcapFile(captured(packets)));
    const { code, stdout, stderr } = await run(path);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const at = requestOf().length;
    expect(stdout).toBe(
      [
        'Connection 1: 10.0.0.1:40000 to 10.0.0.2:8080, at 2026-01-02T03:04:05.003001Z',
        '    "GET /chat" of "example.org"',
        '    101 "Switching Protocols"',
        '    extensions: none',
        `#1   0.002000 client ${String(at).padStart(7)}  01 83 37fa213d: TEXT, 3 bytes, masked`,
        `#1   0.003000 client ${String(at + 9).padStart(7)}  89 86 37fa213d: FIN PING, 6 bytes, masked`,
        '    74 68 65 72 65 3f, "there?"',
        `#1   0.004000 client ${String(at + 21).padStart(7)}  80 82 37fa213d: FIN CONTINUATION, 2 bytes, masked`,
        '    text message of 2 frames: "Hello"',
        `#1   0.005000 server ${String(answerOf().length).padStart(7)}  88 05: FIN CLOSE, 5 bytes`,
        '    1001 GOING_AWAY "bye"',
        `Connection 1 closed; the client's Close: none; the server's: 1001 GOING_AWAY "bye"`,
        '',
        '1 WebSocket connection, 4 frames, 1 message, no rule is broken',
        '',
      ].join('\n'),
    );
  });

  it('says which rule is broken, where, and ends with 1', async () => {
    const path = written(
      'broken.pcapng',
      pcapngFile(captured(talk().send('client', frameOf('server', TEXT, 'x')).packets)),
    );
    const { code, stdout } = await run(path);
    expect(code).toBe(1);
    expect(stdout).toContain(`    Broken rule of the client, at byte ${requestOf().length}: `);
    expect(stdout).toContain('(RFC 6455 section 5.1)');
    expect(stdout).toMatch(/\n1 WebSocket connection, 1 frame, 1 message, 1 broken rule\n$/);
  });

  it('shows as JSON each event on a line', async () => {
    const path = written(
      'json.pcap',
      pcapFile(
        captured(
          talk()
            .send('client', frameOf('client', TEXT, 'hi'))
            .close().packets,
        ),
      ),
    );
    const { stdout } = await run('--json', path);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ type }) => type)).toEqual(['opening', 'frame', 'end', 'totals']);
    expect(lines[0]).toMatchObject({
      connection: 1,
      client: { address: '10.0.0.1', port: 40_000 },
      response: { status: 101 },
    });
    expect(lines[1]).toMatchObject({
      time: '1767323045.005001000',
      from: 'client',
      at: requestOf().length,
      name: 'TEXT',
      message: { text: 'hi' },
    });
    expect(lines[3]).toMatchObject({ frames: 1, messages: 1, broken: 0, connections: 1, isCut: false });
  });

  it.each([['--headers'], ['--json']])('hides what may be secret with %s, unless --secrets is given', async (flag) => {
    const path = written('secret.pcap', pcapFile(captured(secretTalk().packets)));
    const hidden = await run(flag, path);
    expect(hidden.stdout).toContain('shown');
    expect(hidden.stdout).toContain('?(12 characters)');
    expect(hidden.stdout).not.toContain('s3cret');
    const { stdout } = await run(flag, '--secrets', path);
    for (const secret of ['session=s3cret', 'Bearer s3cret', 'token=s3cret', 'id=s3cret', 's3cret-token']) {
      expect(stdout).toContain(secret);
    }
  });

  it('quotes no secret where a rule is broken either', async () => {
    const answers = [
      [SECRETS, '/chat', ['Sec-WebSocket-Protocol: s3cret-other']],
      [['Sec-WebSocket-Protocol: s3cret, s3cret'], '/chat', []],
      [[], '/chat#s3cret', []],
      [[], '/chat', ['Set-Cookie s3cret']],
    ] as const;
    for (const [lines, target, answer] of answers) {
      const { packets } = new Talk().open().send('client', requestOf(lines, target)).send('server', answerOf(answer));
      const { code, stdout } = await run('--headers', written('quoted.pcap', pcapFile(captured(packets))));
      expect(code).toBe(1);
      if (target === '/chat') expect(stdout).not.toContain('s3cret');
      expect(stdout).toMatch(/which --secrets shows/);
    }
  });

  it('escapes whatever a peer has sent', async () => {
    const evil = '\x1b[2J\u202e';
    const { packets } = talk()
      .send('client', frameOf('client', TEXT, evil))
      .send('server', frameOf('server', CLOSE, Buffer.concat([Buffer.of(0x03, 0xe8), Buffer.from(evil)])));
    const evilHead = new Talk({ clientPort: 5 })
      .open()
      .send('client', requestOf(['X-Evil: \x9b2J']))
      .send(
        'server',
        Buffer.from(answerOf(['X-Evil: \x9b2J']).toString('latin1').replace('Switching', '\x1b[2J'), 'latin1'),
      );
    const path = written('evil.pcap', pcapFile(captured([...packets, ...evilHead.packets])));
    for (const flags of [
      ['--headers', '--secrets'],
      ['--json', '--secrets'],
      ['--frames', 'full'],
    ]) {
      const stdout = (await run(...flags, path)).stdout.replaceAll('\n', '');
      expect(stdout).not.toMatch(/[\p{Cc}\u202e]/u);
      expect(stdout).toContain('\\u001b[2J');
    }
  });

  it('draws frames with --frames full, and shows no payload with --payload none', async () => {
    const path = written(
      'drawn.pcap',
      pcapFile(captured(talk().send('client', frameOf('client', TEXT, 'hidden')).packets)),
    );
    expect((await run('--frames', 'full', path)).stdout).toContain('|F|R|R|R|opcode |M| Payload len |');
    const { stdout } = await run('--payload', 'none', path);
    expect(stdout).toContain('text message of 1 frame: 6 bytes, not shown');
    expect(stdout).not.toContain('hidden');
  });

  it('takes the bytes of one side, raw and in hex, with the handshake and without it', async () => {
    const frames = Buffer.concat([frameOf('client', TEXT, 'one'), frameOf('client', TEXT, 'two')]);
    const inputs = [
      frames,
      frames.toString('hex'),
      frames.toString('hex').replace(/../g, '0x$&, '),
      Buffer.concat([requestOf(), frames]),
    ];
    for (const [i, input] of inputs.entries()) {
      const { code, stdout } = await run('--from', 'client', written(`side-${i}`, input));
      expect(code).toBe(0);
      expect(stdout).toContain('What the client has sent:');
      expect(stdout).toMatch(
        /text message of 1 frame: "one"[\s\S]*"two"[\s\S]*2 frames, 2 messages, no rule is broken\n$/,
      );
    }
    const answer = Buffer.concat([answerOf(), frameOf('server', TEXT, 'one')]);
    expect((await run('--from', 'server', written('answer', answer))).stdout).toContain('101 "Switching Protocols"');
  });

  it('shows frames of one side that are nothing but wrong', async () => {
    const { code, stdout } = await run('--from', 'client', written('wrong', Buffer.of(0xff, 0x80, 1, 2, 3, 4)));
    expect(code).toBe(1);
    expect(stdout).toContain('at byte 0');
    const cut = await run('--from', 'server', written('cut', Buffer.of(0x81)));
    expect(cut.code).toBe(1);
    expect(cut.stdout).toContain('header cut off');
  });

  it('decompresses with --deflate, and its parameters', async () => {
    const window = deflatedMessage(Buffer.from('compressed'));
    const path = written('deflate', frameOf('client', TEXT, window, { rsv: 0x40 }));
    expect((await run('--from', 'client', path)).code).toBe(1);
    for (const flags of [['--deflate'], ['--deflate', 'client_no_context_takeover; server_max_window_bits=10']]) {
      const { code, stdout } = await run(path, '--from', 'client', ...flags);
      expect(code).toBe(0);
      expect(stdout).toContain('decompressed to 10: "compressed"');
    }
    expect(await run(path, '--from', 'client', '--deflate', 'server_max_window_bits=99')).toMatchObject({ code: 2 });
  });

  it('ends with 2 for what it cannot read', async () => {
    const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
      [[join(folder, 'none')], /cannot be read: ENOENT/],
      [[folder], /cannot be read: EISDIR/],
      [[written('empty', '')], /the input is empty/],
      [[written('zipped', Buffer.of(0x1f, 0x8b, 8, 0))], /compressed/],
      [[written('frames', Buffer.of(0x81, 0x00, 0x81, 0x00))], /--from client or --from server/],
      [[written('some.pcap', pcapFile([])), '--from', 'client'], /--from is for raw bytes/],
      [[written('odd', '81 0'), '--from', 'server', '--format', 'hex'], /no hex/],
      [[written('no.pcap', 'this is something else'), '--format', 'pcap'], /no file in the format pcap/],
      [[written('page', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), '--from', 'client'], /begins as HTTP does/],
      [[written('lies.pcapng', Buffer.concat([pcapngSection(), Buffer.alloc(8)]))], /damaged at byte 28/],
    ];
    for (const [args, says] of cases) {
      const { code, stderr } = await run(...args);
      expect(stderr).toMatch(says);
      expect(code).toBe(2);
    }
    expect((await run('--frames', 'none', 'x')).code).toBe(2);
    expect((await run()).code).toBe(2);
  });

  it('says that a capture is cut off, and shows what is there', async () => {
    const file = pcapFile(
      captured(
        talk()
          .send('client', frameOf('client', TEXT, 'whole'))
          .send('client', frameOf('client', TEXT, 'cut')).packets,
      ),
    );
    const { code, stdout } = await run(written('cut.pcap', file.subarray(0, -5)));
    expect(code).toBe(0);
    expect(stdout).toContain('"whole"');
    expect(stdout).toContain('The capture ends in the middle of a packet.');
    const damaged = Buffer.concat([file, Buffer.alloc(16, 0xff)]);
    const outcome = await run(written('damaged.pcap', damaged));
    expect(outcome.code).toBe(2);
    expect(outcome.stdout).toContain('"cut"');
    expect(outcome.stderr).toContain(`damaged at byte ${file.length}`);
  });
});

describe('the process of wsloom inspect', () => {
  it('shows a frame of standard input while the input goes on', async () => {
    await using command = Command.run('inspect', '-');
    const file = pcapFile(captured(talk().send('client', frameOf('client', TEXT, 'early')).packets));
    command.process.stdin.write(file.subarray(0, 3));
    command.process.stdin.write(file.subarray(3));
    await command.says('stdout', /"early"/);
    command.process.stdin.end();
    expect(await command.ended).toBe(0);
    expect(command.stdout).toContain('still open at the end of the capture');
  });

  it('ends when nobody reads its output any more, though the input never ends', async () => {
    await using command = new Command('bash', [
      '-c',
      `yes "8100 " | "$0" "$1" inspect --from server - | head -n 2`,
      process.execPath,
      new URL('../../dist/cli.js', import.meta.url).pathname,
    ]);
    expect(await command.ended).toBe(0);
    expect(command.stdout.split('\n')).toHaveLength(3);
  });
});
