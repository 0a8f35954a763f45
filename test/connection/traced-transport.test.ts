import { beforeEach, describe, expect, test } from 'vitest';
import { TracedTransport } from '../../dist/connection/traced-transport.js';
import { Arena } from '../../dist/memory/arena.js';
import { clientFrame, PING, TEXT } from './frames.js';
import { NotingListener } from './noting-listener.js';
import { ScriptedTransport } from './scripted-transport.js';

/** Unmasked frames. */
const HELLO = Buffer.from('\x81\x05hello', 'latin1');
const PONG = Buffer.from([0x8a, 0]);
const SHOWN_HELLO = 'sent 81 05: FIN TEXT, 5 bytes';
const SHOWN_PONG = 'sent 8a 00: FIN PONG, 0 bytes';

let arena: Arena;
let listener: NotingListener;
let wire: ScriptedTransport;
let shown: string[];

beforeEach(() => {
  arena = new Arena(1024 * 1024);
  listener = new NotingListener(arena);
  shown = [];
});

function trace(head: Uint8Array = new Uint8Array(0)): TracedTransport {
  const connect = (traced: NotingListener) => {
    wire = new ScriptedTransport(arena, traced, { add() {}, addQueued() {} }, 5);
    return wire;
  };
  return new TracedTransport(arena, connect as never, listener, head, (line) => void shown.push(line));
}

describe('of what is sent each header is shown once,', () => {
  test.each([0, 1, 2, 6, 7, 8, 9])('also if the kernel takes %i bytes of it, and the rest is queued', (taken) => {
    const both = Buffer.concat([HELLO, PONG]);
    const transport = trace();
    wire.takes = () => taken;
    expect(transport.tryWrite(Buffer.concat([PONG, both]), 2, 11)).toBe(taken);
    if (taken < both.length) transport.enqueueCopy(Buffer.concat([PONG, both]), 2 + taken, 11);
    wire.drain();
    expect(wire.output).toEqual(both);
    expect(shown).toEqual([SHOWN_HELLO, SHOWN_PONG]);
  });

  test.each([0, 1, 2, 3, 7, 8, 9])('also if it is in two places, and the kernel takes %i bytes', (taken) => {
    const [head, body] = [HELLO.subarray(0, 2), Buffer.concat([HELLO.subarray(2), PONG])];
    const transport = trace();
    wire.takes = () => taken;
    expect(transport.tryWriteBoth(head, body)).toBe(taken);
    if (taken < 2) transport.enqueue(head.subarray(taken));
    if (taken < 9) transport.enqueue(body.subarray(Math.max(0, taken - 2)));
    wire.drain();
    expect(wire.output).toEqual(Buffer.concat([head, body]));
    expect(shown).toEqual([SHOWN_HELLO, SHOWN_PONG]);
  });
});

test('of what arrives each header is shown, with what was read before', () => {
  const ping = clientFrame(PING);
  const transport = trace(clientFrame(TEXT, 'hello').subarray(0, 7));
  transport.resume();
  wire.arrive(clientFrame(TEXT, 'hello').subarray(7), ping);
  expect(shown).toEqual([
    'received 81 85 37fa213d: FIN TEXT, 5 bytes, masked',
    'received 89 80 37fa213d: FIN PING, 0 bytes, masked',
  ]);
  expect(listener.read).toEqual([Buffer.concat([clientFrame(TEXT, 'hello').subarray(7), ping])]);
});

test('nothing is sent past it: it has no descriptor', () => {
  expect(trace().descriptor).toBe(-1);
});

test('all else is passed on', () => {
  const transport = trace();
  listener.target = [100, 50];
  expect(transport.readTarget()).toEqual([100, 50]);
  wire.takes = () => 0;
  let isWritten = false;
  transport.enqueue(HELLO, () => (isWritten = true));
  expect(transport.queuedBytes).toBe(7);
  wire.drain();
  expect(isWritten).toBe(true);
  expect(transport).toMatchObject({ queuedBytes: 0, acknowledgedBytes: 7, protocolBytes: 0 });
  transport.resume();
  transport.pause();
  transport.resume();
  wire.fin();
  transport.end();
  transport.destroy();
  wire.pump();
  expect(wire.calls.map(({ what }) => what)).toEqual(['enqueue', 'resume', 'pause', 'resume', 'end', 'destroy']);
  expect(listener.told).toEqual(['written', 'end', 'close']);
  expect(listener.isDescriptorLost).toBe(true);
});
