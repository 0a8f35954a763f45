import { describe, expect, test } from 'vitest';
import { DIRECT_WRITE_BYTES } from '../../dist/connection/frame-writer.js';
import { LentMessage } from '../../dist/connection/message.js';
import type { ReportedMessage } from '../../dist/protocol/reported-message.js';
import { BINARY, pattern, shown, TEXT } from './frames.js';
import { framesOf, startThread } from './thread.js';

const FIN = 0x80;

/** A message of memory that no frame reader has anything to do with, as a decompressor would report it. */
function madeMessage(opcode: number, payload: Uint8Array): LentMessage {
  const bytes = Buffer.concat([Buffer.alloc(100, 0xaa), payload, Buffer.alloc(100, 0xaa)]);
  const reported: ReportedMessage<Buffer> = {
    firstByte: FIN | opcode,
    bytes,
    start: 100,
    length: payload.length,
    vacated: 0,
    detachSlab: () => undefined,
  };
  const message = new LentMessage(reported);
  message.isLive = true;
  return message;
}

describe('a message that is reported from elsewhere than the frame reader', () => {
  test('is read as any other', () => {
    const message = madeMessage(TEXT, Buffer.from('{"ü":[1]}'));
    expect(message.text()).toBe('{"ü":[1]}');
    expect(message.json()).toEqual({ ü: [1] });
    expect(message.bytes()).toEqual(new Uint8Array(Buffer.from('{"ü":[1]}')));
    expect(Buffer.from(message.borrow()).toString()).toBe('{"ü":[1]}');
    expect([message.size, message.isBinary]).toEqual([10, false]);
  });

  test.each([1, 1000, DIRECT_WRITE_BYTES, 100_000])('is sent and published as what it is: %i bytes', (length) => {
    const thread = startThread();
    const [sender, subscriber] = [thread.connect(), thread.connect()];
    subscriber.connection.subscribe('all');
    const payload = pattern(length);
    thread.inTurn(() => {
      const message = madeMessage(BINARY, payload);
      sender.connection.send(message);
      sender.connection.publish('all', message);
    });
    expect(framesOf(sender)).toEqual([shown(BINARY, payload)]);
    expect(framesOf(subscriber)).toEqual([shown(BINARY, payload)]);
  });

  test('is void when it is not live', () => {
    const message = madeMessage(TEXT, Buffer.from('x'));
    message.isLive = false;
    expect(() => message.text()).toThrow('this message is void');
  });
});
