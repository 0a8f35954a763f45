import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { kindOf, viewOf } from '../../dist/protocol/view-of.js';

const BYTES = [1, 2, 3, 4];
/** A value of another realm, which has classes of its own. */
const foreign = (expression: string): unknown =>
  runInNewContext(`const bytes = new Uint8Array([1, 2, 3, 4]); ${expression}`);

function shared(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(4);
  new Uint8Array(memory).set(BYTES);
  return memory;
}

describe('a view of bytes', () => {
  test.each([
    ['a Uint8Array', new Uint8Array(BYTES)],
    ['a Buffer', Buffer.from(BYTES)],
    ['an ArrayBuffer', new Uint8Array(BYTES).buffer],
    ['a SharedArrayBuffer', shared()],
    ['a part of a DataView', new DataView(new Uint8Array([9, ...BYTES, 9]).buffer, 1, 4)],
    ['words', new Uint16Array(new Uint8Array(BYTES).buffer)],
    ['a Uint8Array of another realm', foreign('bytes')],
    ['an ArrayBuffer of another realm', foreign('bytes.buffer')],
    [
      'a SharedArrayBuffer of another realm',
      foreign('const m = new SharedArrayBuffer(4); new Uint8Array(m).set(bytes); m'),
    ],
    ['an empty ArrayBuffer', new ArrayBuffer(0)],
  ])('is had of %s', (name, data) => {
    const view = viewOf(data);
    expect(view && [...view]).toEqual(name.includes('empty') ? [] : BYTES);
  });

  test('shows the memory itself, and no copy', () => {
    const memory = new ArrayBuffer(4);
    const view = viewOf(memory);
    new Uint8Array(memory)[2] = 7;
    expect(view?.[2]).toBe(7);
  });

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 4],
    ['a string', 'text'],
    ['an array', BYTES],
    ['an object', { byteLength: 4 }],
    ['an object that says it is an ArrayBuffer', { byteLength: 4, [Symbol.toStringTag]: 'ArrayBuffer' }],
    ['an object with the prototype of an ArrayBuffer', Object.create(ArrayBuffer.prototype)],
    ['an object with the prototype of a SharedArrayBuffer', Object.create(SharedArrayBuffer.prototype)],
    ['a proxy of an ArrayBuffer', new Proxy(new ArrayBuffer(4), {})],
  ])('is not had of %s', (_name, data) => {
    expect(viewOf(data)).toBeUndefined();
  });

  test('is refused for memory that was transferred, which would look empty', () => {
    const memory = new ArrayBuffer(4);
    const views = [new Uint8Array(memory), new DataView(memory)];
    structuredClone(memory, { transfer: [memory] });
    for (const data of [memory, ...views]) {
      expect(viewOf(data)).toBeUndefined();
      expect(kindOf(data)).toBe('memory that was transferred elsewhere');
    }
  });
});

test('the kind of a value is what typeof says, and null', () => {
  expect([undefined, null, 4, 'text', {}].map(kindOf)).toEqual(['undefined', 'null', 'number', 'string', 'object']);
  expect([[], new ArrayBuffer(0), new Uint8Array(0)].map(kindOf)).toEqual(['object', 'object', 'object']);
});
