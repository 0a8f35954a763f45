import { expect, test } from 'vitest';
import { drawFrame } from '../../dist/anatomy/draw-frame.js';
import { FrameDissector } from '../../dist/anatomy/frame-dissector.js';
import { frame, longText, noise } from '../protocol/client-frames.js';

/** The drawing of the first frame in these bytes, as lines. */
function drawn(bytes: Uint8Array, keptBytes?: number): string[] {
  const dissector = new FrameDissector(keptBytes === undefined ? {} : { keptBytes });
  const [whole] = dissector.feed(bytes);
  const one = whole ?? dissector.end();
  if (one === undefined) throw new Error('there is no frame');
  return drawFrame(one).split('\n');
}

/** The lines of a drawing without the line breaks around it. */
const lines = (drawing: string) => drawing.replace(/^\n|\n$/g, '').split('\n');

test('a short frame is drawn as in RFC 6455 section 5.2: the masked "Hello" of section 5.7', () => {
  expect(drawn(Buffer.from('818537fa213d7f9f4d5158', 'hex'))).toEqual(
    lines(`
 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-------+-+-------------+-------------------------------+
|F|R|R|R|opcode |M| Payload len |          Masking-key          |
|I|S|S|S|  (4)  |A|     (7)     |             (32)              |
|N|V|V|V|       |S|             |                               |
| |1|2|3|       |K|             |                               |
|1|0|0|0|0 0 0 1|1|0 0 0 0 1 0 1|0 0 1 1 0 1 1 1 1 1 1 1 1 0 1 0|
| | | | |  0x1  | |      5      |             37 fa             |
+-+-+-+-+-------+-+-------------+-------------------------------+
|    Masking-key (continued)    |         Payload Data          |
|0 0 1 0 0 0 0 1 0 0 1 1 1 1 0 1|0 1 1 1 1 1 1 1 1 0 0 1 1 1 1 1|  He
|             21 3d             |             7f 9f             |  48 65
+-------------------------------+ - - - - - - - +---------------+
|           Payload Data (continued)            |
|0 1 0 0 1 1 0 1 0 1 0 1 0 0 0 1 0 1 0 1 1 0 0 0|                  llo
|                   4d 51 58                    |                  6c 6c 6f
+-----------------------------------------------+
`),
  );
});

test('a frame with a length of 16 bits is drawn, and how much of its payload is not', () => {
  const bytes = frame({ opcode: 2, fin: false, key: null, payload: Buffer.from('abcdefghi'.padEnd(300, '~')) });
  expect(drawn(bytes, 10)).toEqual(
    lines(`
 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-------+-+-------------+-------------------------------+
|F|R|R|R|opcode |M| Payload len |    Extended payload length    |
|I|S|S|S|  (4)  |A|     (7)     |             (16)              |
|N|V|V|V|       |S|             |                               |
| |1|2|3|       |K|             |                               |
|0|0|0|0|0 0 1 0|0|1 1 1 1 1 1 0|0 0 0 0 0 0 0 1 0 0 1 0 1 1 0 0|
| | | | |  0x2  | |     126     |             01 2c             |
+-+-+-+-+-------+-+-------------+-------------------------------+
|                         Payload Data                          |
|0 1 1 0 0 0 0 1 0 1 1 0 0 0 1 0 0 1 1 0 0 0 1 1 0 1 1 0 0 1 0 0|  abcd
|                          61 62 63 64                          |
|0 1 1 0 0 1 0 1 0 1 1 0 0 1 1 0 0 1 1 0 0 1 1 1 0 1 1 0 1 0 0 0|  efgh
|                          65 66 67 68                          |
|0 1 1 0 1 0 0 1 0 1 1 1 1 1 1 0|                                  i~
|             69 7e             |
:                        290 bytes more                         :
+ - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - +
`),
  );
});

test('a frame with a length of 64 bits, and a key behind it, is drawn', () => {
  const bytes = frame({ opcode: 2, payload: Buffer.from('0123'.padEnd(70_000, '4')) });
  expect(drawn(bytes, 6)).toEqual(
    lines(`
 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-------+-+-------------+-------------------------------+
|F|R|R|R|opcode |M| Payload len |    Extended payload length    |
|I|S|S|S|  (4)  |A|     (7)     |             (64)              |
|N|V|V|V|       |S|             |                               |
| |1|2|3|       |K|             |                               |
|1|0|0|0|0 0 1 0|1|1 1 1 1 1 1 1|0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0|
| | | | |  0x2  | |     127     |             00 00             |
+-+-+-+-+-------+-+-------------+ - - - - - - - - - - - - - - - +
|              Extended payload length (continued)              |
|0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1|
|                          00 00 00 01                          |
+ - - - - - - - - - - - - - - - +-------------------------------+
|           continued           |          Masking-key          |
|0 0 0 1 0 0 0 1 0 1 1 1 0 0 0 0|0 0 1 1 0 1 1 1 1 1 1 1 1 0 1 0|
|             11 70             |             37 fa             |
+-------------------------------+-------------------------------+
|    Masking-key (continued)    |         Payload Data          |
|0 0 1 0 0 0 0 1 0 0 1 1 1 1 0 1|0 0 0 0 0 1 1 1 1 1 0 0 1 0 1 1|  01
|             21 3d             |             07 cb             |  30 31
+-------------------------------+ - - - - - - - - - - - - - - - +
|                   Payload Data (continued)                    |
|0 0 0 1 0 0 1 1 0 0 0 0 1 1 1 0 0 0 0 0 0 0 1 1 1 1 0 0 1 1 1 0|  2344
|                          13 0e 03 ce                          |  32 33 34 34
:                       69994 bytes more                        :
+ - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - +
`),
  );
});

test('a payload is drawn without its bytes if none are kept', () => {
  expect(drawn(frame({ opcode: 1, payload: 'Hello', key: null }), 0).slice(-4)).toEqual(
    lines(`
|1|0|0|0|0 0 0 1|0|0 0 0 0 1 0 1|
| | | | |  0x1  | |      5      |
:                         5 bytes more                          :
+ - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - +
`),
  );
});

test('a frame without a payload ends behind its header', () => {
  expect(drawn(Buffer.from('8a00', 'hex')).slice(2)).toEqual(
    lines(`
+-+-+-+-+-------+-+-------------+
|F|R|R|R|opcode |M| Payload len |
|I|S|S|S|  (4)  |A|     (7)     |
|N|V|V|V|       |S|             |
| |1|2|3|       |K|             |
|1|0|0|0|1 0 1 0|0|0 0 0 0 0 0 0|
| | | | |  0xa  | |      0      |
+-+-+-+-+-------+-+-------------+
`),
  );
});

test('what there is of a frame that is cut off is drawn: of a payload', () => {
  expect(drawn(frame({ opcode: 1, payload: 'Hello', key: null }).subarray(0, 3)).slice(-5)).toEqual(
    lines(`
|1|0|0|0|0 0 0 1|0|0 0 0 0 1 0 1|0 1 0 0 1 0 0 0|                  H
| | | | |  0x1  | |      5      |      48       |
+-+-+-+-+-------+-+-------------+---------------+
:            the payload is cut off: 4 bytes missing            :
+ - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - +
`),
  );
});

test('what there is of a frame that is cut off is drawn: of a length', () => {
  expect(drawn(Buffer.from('827f000000000001', 'hex')).slice(-8)).toEqual(
    lines(`
|1|0|0|0|0 0 1 0|0|1 1 1 1 1 1 1|0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0|
| | | | |  0x2  | |     127     |             00 00             |
+-+-+-+-+-------+-+-------------+ - - - - - - - - - - - - - - - +
|              Extended payload length (continued)              |
|0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1|
|                          00 00 00 01                          |
+---------------------------------------------------------------+
:                     the header is cut off                     :
+ - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - +
`).slice(-8),
  );
});

test('no line is longer than 78 columns, and none has a character that a terminal obeys', () => {
  for (const payload of [noise(5000), longText(5000), Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))]) {
    for (const key of [null, [1, 2, 3, 4]]) {
      const drawing = drawn(frame({ opcode: 2, payload, key }), 5000);
      expect(drawing.length).toBeGreaterThan(100);
      expect(drawing.filter((line) => !/^[ -~]{1,78}$/.test(line))).toEqual([]);
    }
  }
});
