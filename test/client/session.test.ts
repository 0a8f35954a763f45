import { beforeEach, describe, expect, it } from 'vitest';
import { ClientSession } from '../../dist/client/session.js';
import { closePayload } from '../../dist/protocol/close-payload.js';
import { ClosingState } from '../../dist/protocol/closing-handshake.js';
import { CLOSE, frame, PING, PONG, TEXT } from '../protocol/client-frames.js';

/** The calls of the owner's methods, in their order. Frames are written with opcode and payload. */
let calls: string[];
let owner: { isOutputWaiting: boolean };
let session: ClientSession;

const server = (opcode: number, payload: string | Uint8Array = '') => frame({ opcode, payload, key: null });

/** The payload of a masked frame that is short. */
function unmasked(sent: Uint8Array): Buffer {
  const key = sent.subarray(2, 6);
  return Buffer.from(sent.subarray(6).map((byte, i) => byte ^ (key[i & 3] as number)));
}

beforeEach(() => {
  calls = [];
  const noting = {
    isOutputWaiting: false,
    writeFrame: (sent: Buffer) => {
      const payload = unmasked(sent);
      const opcode = sent.readUInt8(0) & 0x0f;
      calls.push(`sends ${opcode} ${opcode === CLOSE ? payload.readUInt16BE(0) : payload}`);
    },
    onMessage: ({ payload }: { payload: Uint8Array }) => calls.push(`message ${Buffer.from(payload)}`),
    onPong: (payload: Uint8Array) => calls.push(`pong ${Buffer.from(payload)}`),
    onCloseFrame: (wasOpen: boolean) => calls.push(wasOpen ? 'is closed' : 'is answered'),
    onViolation: ({ closeCode }: { closeCode: number }) => calls.push(`violation ${closeCode}`),
  };
  owner = noting;
  session = new ClientSession(noting as never, 100);
});

describe('a ping', () => {
  it('is answered at once, or when the output is gone', () => {
    session.feed(server(PING, 'a'));
    expect(calls).toEqual([`sends ${PONG} a`]);
    owner.isOutputWaiting = true;
    session.feed(Buffer.concat([server(PING, 'b'), server(PING, 'c')]));
    expect(calls).toHaveLength(1);
    session.onDrain();
    session.onDrain();
    expect(calls.slice(1)).toEqual([`sends ${PONG} c`]);
  });

  it('that waits for an answer gets none after our Close', () => {
    owner.isOutputWaiting = true;
    session.feed(server(PING, 'a'));
    expect(session.close(1000, '')).toBe(true);
    session.onDrain();
    expect(calls).toEqual([`sends ${CLOSE} 1000`]);
  });

  it('that comes after our Close is not answered, but pongs and messages that come then are reported', () => {
    session.close(1000, '');
    session.feed(Buffer.concat([server(PING, 'a'), server(PONG, 'b'), server(TEXT, 'c')]));
    expect(calls).toEqual([`sends ${CLOSE} 1000`, 'pong b', 'message c']);
  });
});

describe('the end', () => {
  it('is a Close of the server: it is answered, and everything behind it is ignored', () => {
    session.feed(Buffer.concat([server(CLOSE, closePayload(1001, 'going')), server(TEXT, 'late'), server(PING)]));
    session.feed(server(TEXT, 'later'));
    expect(calls).toEqual([`sends ${CLOSE} 1001`, 'is closed']);
    expect(session.closing.state).toBe(ClosingState.FINISHING);
    expect(session.close(1000, '')).toBe(false);
  });

  it('is the answer to our Close, which is not answered', () => {
    session.close(4000, '');
    session.feed(server(CLOSE, closePayload(4000)));
    expect(calls).toEqual([`sends ${CLOSE} 4000`, 'is answered']);
  });

  it('is a violation: the server gets one Close with its code', () => {
    session.feed(Buffer.concat([server(TEXT, 'a'), frame({ opcode: TEXT, payload: 'b' }), server(TEXT, 'c')]));
    expect(calls).toEqual(['message a', `sends ${CLOSE} 1002`, 'violation 1002']);
    session.feed(server(TEXT, 'd'));
    expect(calls).toHaveLength(3);
  });
});
