import { beforeEach, describe, expect, it } from 'vitest';
import { ClientSession } from '../../dist/client/session.js';
import { ClosingState } from '../../dist/protocol/closing-handshake.js';
import { closePayload } from '../../dist/protocol/close-payload.js';
import { CLOSE, frame, PING, PONG, TEXT } from '../protocol/client-frames.js';

/** What the owner of the session was told, and the frames that it was given, by their opcodes and payloads. */
let told: string[];
let owner: { isOutputWaiting: boolean };
let session: ClientSession;

const server = (opcode: number, payload: string | Uint8Array = '') => frame({ opcode, payload, key: null });

/** The payload of a masked frame that is short. */
function unmasked(sent: Uint8Array): Buffer {
  const key = sent.subarray(2, 6);
  return Buffer.from(sent.subarray(6).map((byte, i) => byte ^ (key[i & 3] as number)));
}

beforeEach(() => {
  told = [];
  const noting = {
    isOutputWaiting: false,
    writeFrame: (sent: Buffer) => {
      const payload = unmasked(sent);
      const opcode = sent.readUInt8(0) & 0x0f;
      told.push(`sends ${opcode} ${opcode === CLOSE ? payload.readUInt16BE(0) : payload}`);
    },
    onMessage: ({ payload }: { payload: Uint8Array }) => told.push(`message ${Buffer.from(payload)}`),
    onPong: (payload: Uint8Array) => told.push(`pong ${Buffer.from(payload)}`),
    onCloseFrame: (wasOpen: boolean) => told.push(wasOpen ? 'is closed' : 'is answered'),
    onViolation: ({ closeCode }: { closeCode: number }) => told.push(`violation ${closeCode}`),
  };
  owner = noting;
  session = new ClientSession(noting as never, 100);
});

describe('a ping', () => {
  it('is answered at once, or when the output is gone', () => {
    session.feed(server(PING, 'a'));
    expect(told).toEqual([`sends ${PONG} a`]);
    owner.isOutputWaiting = true;
    session.feed(Buffer.concat([server(PING, 'b'), server(PING, 'c')]));
    expect(told).toHaveLength(1);
    session.onDrain();
    session.onDrain();
    expect(told.slice(1)).toEqual([`sends ${PONG} c`]);
  });

  it('that waits is not answered behind our Close', () => {
    owner.isOutputWaiting = true;
    session.feed(server(PING, 'a'));
    expect(session.close(1000, '')).toBe(true);
    session.onDrain();
    expect(told).toEqual([`sends ${CLOSE} 1000`]);
  });

  it('that comes behind our Close is not answered, and what else comes there is told', () => {
    session.close(1000, '');
    session.feed(Buffer.concat([server(PING, 'a'), server(PONG, 'b'), server(TEXT, 'c')]));
    expect(told).toEqual([`sends ${CLOSE} 1000`, 'pong b', 'message c']);
  });
});

describe('the end', () => {
  it('is a Close of the server, which is answered: nothing behind it is looked at', () => {
    session.feed(Buffer.concat([server(CLOSE, closePayload(1001, 'going')), server(TEXT, 'late'), server(PING)]));
    session.feed(server(TEXT, 'later'));
    expect(told).toEqual([`sends ${CLOSE} 1001`, 'is closed']);
    expect(session.closing.state).toBe(ClosingState.FINISHING);
    expect(session.close(1000, '')).toBe(false);
  });

  it('is the answer to our Close, which is not answered', () => {
    session.close(4000, '');
    session.feed(server(CLOSE, closePayload(4000)));
    expect(told).toEqual([`sends ${CLOSE} 4000`, 'is answered']);
  });

  it('is a violation, of which the server is told once', () => {
    session.feed(Buffer.concat([server(TEXT, 'a'), frame({ opcode: TEXT, payload: 'b' }), server(TEXT, 'c')]));
    expect(told).toEqual(['message a', `sends ${CLOSE} 1002`, 'violation 1002']);
    session.feed(server(TEXT, 'd'));
    expect(told).toHaveLength(3);
  });
});
