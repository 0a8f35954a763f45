import { describe, expect, test } from 'vitest';
import { CloseArgumentError, closePayload, MAX_CLOSE_REASON_BYTES } from '../../dist/protocol/close-payload.js';
import { ClosingHandshake, ClosingState } from '../../dist/protocol/closing-handshake.js';
import { ProtocolError } from '../../dist/protocol/protocol-error.js';

const { OPEN, CLOSING, FINISHING, CLOSED } = ClosingState;

/** How to make a connection in each state. */
const IN_STATE: readonly (readonly [name: string, make: () => ClosingHandshake])[] = [
  ['open', () => new ClosingHandshake()],
  ['closing', () => madeBy((closing) => closing.begin(1000, ''))],
  ['closed by the peer', () => madeBy((closing) => closing.receive(closePayload(1001)))],
  ['failed', () => madeBy((closing) => closing.fail(1002, 'wrong'))],
  ['lost', () => madeBy((closing) => closing.lost())],
  ['over', () => madeBy((closing) => closing.closed())],
];
const OTHERS = IN_STATE.slice(1);

function madeBy(step: (closing: ClosingHandshake) => unknown): ClosingHandshake {
  const closing = new ClosingHandshake();
  step(closing);
  return closing;
}

describe('a connection that is open', () => {
  test('is closed by this side with a Close of the code and the reason, and awaits the answer', () => {
    const closing = new ClosingHandshake();
    expect(closing.state).toBe(OPEN);
    expect(closing.begin(4000, 'enough')).toEqual(closePayload(4000, 'enough'));
    expect(closing.state).toBe(CLOSING);
    expect(closing.isFinished).toBe(false);
    expect(closing.receive(closePayload(4000, 'fine'))).toBeUndefined();
    expect(closing.state).toBe(FINISHING);
    expect(closing.received).toEqual({ code: 4000, reason: 'fine' });
    expect(closing.failure).toBeUndefined();
  });

  test.each([
    ['of its code, without its reason', closePayload(1001, 'going'), closePayload(1001), 1001, 'going'],
    ['without a code, if it had none', new Uint8Array(0), new Uint8Array(0), 1005, ''],
  ])('answers a Close with one %s', (_, payload, echo, code, reason) => {
    const closing = new ClosingHandshake();
    expect(closing.receive(payload)).toEqual(echo);
    expect(closing.state).toBe(FINISHING);
    expect(closing.received).toEqual({ code, reason });
  });

  test('is failed with a Close that says why, cut to the whole characters that a Close can hold', () => {
    const closing = new ClosingHandshake();
    expect(closing.fail(1007, 'é'.repeat(100))).toEqual(closePayload(1007, 'é'.repeat(61)));
    expect(MAX_CLOSE_REASON_BYTES).toBe(123);
    expect(closing.state).toBe(FINISHING);
    expect(closing.failure).toEqual({ code: 1007, reason: 'é'.repeat(100) });
    expect(closing.received).toBeUndefined();
  });

  test('is lost without a Close, and this side may know why or not', () => {
    expect(madeBy((closing) => closing.lost())).toMatchObject({ state: FINISHING, failure: undefined });
    const failure = { code: 1013, reason: 'too much' };
    expect(madeBy((closing) => closing.lost(failure))).toMatchObject({ state: FINISHING, failure });
  });

  test('stays open when a Close is malformed, until it is failed for that', () => {
    const closing = new ClosingHandshake();
    expect(() => closing.receive(Uint8Array.of(3))).toThrow(ProtocolError);
    expect(closing).toMatchObject({ state: OPEN, received: undefined });
    expect(closing.fail(1002, 'close payload of one byte')).toEqual(closePayload(1002, 'close payload of one byte'));
  });
});

describe('only one Close is sent', () => {
  test.each(OTHERS)('when it is %s', (_, make) => {
    expect(make().begin(1000, '')).toBeUndefined();
    expect(make().receive(closePayload(1000))).toBeUndefined();
    expect(make().fail(1002, '')).toBeUndefined();
  });
});

test.each(IN_STATE)('a connection that is %s refuses an invalid code or reason, and keeps its state', (_, make) => {
  const closing = make();
  const { state } = closing;
  expect(() => closing.begin(1006, '')).toThrow(CloseArgumentError);
  expect(() => closing.begin(1000, 'x'.repeat(124))).toThrow(CloseArgumentError);
  expect(closing.state).toBe(state);
});

test.each(IN_STATE)('a connection that is %s never moves back', (_, make) => {
  for (const step of [
    (closing: ClosingHandshake) => closing.begin(1000, ''),
    (closing: ClosingHandshake) => closing.receive(closePayload(1000)),
    (closing: ClosingHandshake) => closing.fail(1002, ''),
    (closing: ClosingHandshake) => closing.lost(),
    (closing: ClosingHandshake) => closing.closed(),
  ]) {
    const closing = make();
    const before = closing.state;
    step(closing);
    expect(closing.state).toBeGreaterThanOrEqual(before);
    expect(closing.isFinished).toBe(closing.state >= FINISHING);
  }
  const closing = make();
  closing.closed();
  expect(closing.state).toBe(CLOSED);
});

test('of two Closes, and of two failures, the first counts', () => {
  const closing = madeBy((made) => made.fail(1008, 'first'));
  closing.fail(1011, 'second');
  closing.lost({ code: 1013, reason: 'third' });
  expect(closing.failure).toEqual({ code: 1008, reason: 'first' });
  closing.receive(closePayload(1000));
  closing.receive(closePayload(1001));
  expect(closing.received).toEqual({ code: 1000, reason: '' });
});

test.each(IN_STATE.slice(2))('a connection that is %s cannot fail any more: its end is known', (_, make) => {
  const closing = make();
  const { failure } = closing;
  closing.fail(1011, 'later');
  expect(closing.failure).toBe(failure);
});

test('a connection that fails while it closes sends no second Close, and says why', () => {
  const closing = madeBy((made) => made.begin(1000, ''));
  expect(closing.fail(1002, 'wrong')).toBeUndefined();
  expect(closing).toMatchObject({ state: FINISHING, failure: { code: 1002, reason: 'wrong' } });
});
