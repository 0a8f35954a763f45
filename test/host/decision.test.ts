import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { DecisionError, readDecision } from '../../dist/host/decision.js';

/** The message of the error that an answer is. */
function problem(answer: unknown): string {
  try {
    readDecision(answer);
  } catch (error) {
    expect(error).toBeInstanceOf(DecisionError);
    expect((error as DecisionError).code).toBe('WSLOOM_DECISION');
    return (error as Error).message;
  }
  throw new Error('it was taken');
}

/** For titles, which must not look at the answer: what is said, and the answer behind a function. */
const bySaid = (...rows: readonly (readonly [answer: unknown, said: string])[]) =>
  rows.map(([answer, said]) => [said, () => answer] as const);

const RULE =
  'it must return undefined or { subprotocol, headers, data, deflate } to accept, { status: 300 to 599, headers, body } to refuse';

describe('an answer that accepts', () => {
  const nothing = { accepts: true, subprotocol: undefined, headers: undefined, data: undefined, deflate: true };

  test('is undefined, or an object of what an acceptance has', () => {
    expect(readDecision(undefined)).toEqual(nothing);
    expect(readDecision({})).toEqual(nothing);
    const headers = new Map([['a', 'b']]);
    const data = { user: ['ada'] };
    const read = readDecision({ subprotocol: 'chat', headers, data });
    expect(read).toEqual({ accepts: true, subprotocol: 'chat', headers, data, deflate: true });
    expect((read as { data: unknown }).data).not.toBe(data);
    expect(readDecision({ data: null })).toEqual({ ...nothing, data: null });
    expect(readDecision({ data: false })).toEqual({ ...nothing, data: false });
    expect(readDecision({ deflate: false })).toEqual({ ...nothing, deflate: false });
    expect(readDecision({ deflate: true })).toEqual(nothing);
  });

  test('may leave properties undefined, have no prototype, or be of another realm', () => {
    expect(readDecision({ subprotocol: undefined, headers: undefined, data: undefined, deflate: undefined })).toEqual(
      nothing,
    );
    expect(readDecision(Object.assign(Object.create(null), { subprotocol: 'a' }))).toEqual({
      ...nothing,
      subprotocol: 'a',
    });
    expect(readDecision(runInNewContext('({ subprotocol: "a" })'))).toEqual({ ...nothing, subprotocol: 'a' });
  });

  test('may have getters: each is read once', () => {
    let reads = 0;
    const answer = {
      get subprotocol() {
        return `read ${++reads}`;
      },
    };
    expect(readDecision(answer)).toEqual({ ...nothing, subprotocol: 'read 1' });
  });

  test('does not take what somebody has put into Object.prototype', () => {
    Object.defineProperty(Object.prototype, 'body', { value: 1, configurable: true });
    Object.defineProperty(Object.prototype, 'subprotocol', { value: 'x', configurable: true });
    try {
      expect(readDecision({})).toEqual(nothing);
      expect(readDecision({ status: 401 })).toMatchObject({ status: 401 });
    } finally {
      Reflect.deleteProperty(Object.prototype, 'body');
      Reflect.deleteProperty(Object.prototype, 'subprotocol');
    }
  });
});

test('an answer with a status refuses', () => {
  const nothing = { accepts: false, headers: undefined, body: undefined };
  for (const status of [300, 302, 401, 599]) expect(readDecision({ status })).toEqual({ ...nothing, status });
  const headers = [['Location', '/']] as const;
  expect(readDecision({ status: 302, headers, body: '' })).toEqual({ accepts: false, status: 302, headers, body: '' });
});

class Refusing {
  status = 401;
}

class Secretly {
  get status() {
    return 401;
  }
}

describe('an answer lets nobody in that is', () => {
  test.each(
    bySaid(
      [false, 'false'],
      [true, 'true'],
      [null, 'null'],
      [0, '0'],
      [401, '401'],
      [Number.NaN, 'NaN'],
      [10n, '10n'],
      ['', "''"],
      ['no', "'no'"],
      ['accept', "'accept'"],
      [Symbol('no'), 'Symbol(no)'],
      [[], '[]'],
      [[401], '[ 401 ]'],
      [() => false, '[Function (anonymous)]'],
      [new Map([['status', 401]]), "Map(1) { 'status' => 401 }"],
      [new Date(Number.NaN), 'Invalid Date'],
      [/no/, '/no/'],
      [new Refusing(), 'Refusing { status: 401 }'],
      [new Secretly(), 'Secretly {}'],
      [new Response('no', { status: 401 }), 'Response {'],
      [Object.create({ status: 401 }), '{}'],
      [Object.create(Object.assign(Object.create(null), { status: 401 })), '{}'],
      [Object(401), '[Number: 401]'],
      [Object(false), '[Boolean: false]'],
      [new Uint8Array(1), 'Uint8Array(1)'],
      [Promise.resolve({}), 'Promise {'],
      [(function* () {})(), 'Generator'],
    ),
  )('%s', (shown, answer) => {
    const message = problem(answer());
    expect(message.startsWith(`${RULE}; got `)).toBe(true);
    expect(message).toContain(shown);
  });

  test('an error, whose message is shown on one line', () => {
    expect(problem(new Error('two\nlines'))).toMatch(/^[ -~]*got \[?Error: two lines[ -~]*$/);
  });

  test.each(
    bySaid(
      [{ stauts: 401 }, "got { stauts: 401 }: there is no 'stauts' (did you mean status?)"],
      [{ statusCode: 401 }, "there is no 'statusCode' (did you mean status?)"],
      [{ code: 401 }, '(did you mean status?)'],
      [{ Status: 401 }, '(did you mean status?)'],
      [{ protocol: 'chat' }, '(did you mean subprotocol?)'],
      [{ subProtocol: 'chat' }, '(did you mean subprotocol?)'],
      [{ header: {} }, '(did you mean headers?)'],
      [{ date: 1 }, '(did you mean data?)'],
      [{ status: 401, reason: 'no' }, '(did you mean body?)'],
      [{ accept: false }, "there is no 'accept'"],
      [{ ok: false, data: 1 }, "there is no 'ok'"],
      [{ [Symbol.for('status')]: 401 }, 'there is no Symbol(status)'],
      [Object.defineProperty({}, 'refuse', { value: true }), "there is no 'refuse'"],
      [JSON.parse('{"__proto__":{"status":401}}'), "there is no '__proto__'"],
      [{ status: 401, data: {} }, 'data does not go with status'],
      [{ status: 401, data: undefined }, 'data does not go with status'],
      [{ status: 401, subprotocol: 'chat' }, 'subprotocol does not go with status'],
      [{ body: 'no' }, 'body needs a status'],
      [{ body: undefined }, 'body needs a status'],
      [{ status: undefined }, 'status must be an integer from 300 to 599, got undefined'],
      [{ status: '401' }, "status must be an integer from 300 to 599, got '401'"],
      [{ status: 200 }, 'got 200'],
      [{ status: 101 }, 'got 101'],
      [{ status: 299 }, 'got 299'],
      [{ status: 600 }, 'got 600'],
      [{ status: 401.5 }, 'got 401.5'],
      [{ status: Number.NaN }, 'got NaN'],
      [{ status: null }, 'got null'],
      [{ status: Object(401) }, 'got [Number: 401]'],
      [{ status: 401, body: 1 }, 'body must be a string, got 1'],
      [{ status: 401, body: null }, 'body must be a string, got null'],
      [{ status: 401, body: Buffer.from('no') }, 'body must be a string, got Buffer(2)'],
      [{ subprotocol: null }, 'subprotocol must be a string, got null'],
      [{ subprotocol: ['chat'] }, "subprotocol must be a string, got [ 'chat' ]"],
      [{ deflate: null }, 'deflate must be true or false, got null'],
      [{ deflate: 0 }, 'deflate must be true or false, got 0'],
      [{ status: 401, deflate: false }, 'deflate does not go with status'],
      [{ headers: null }, 'headers must be a plain object, or pairs of name and value, got null'],
      [{ headers: 'a: b' }, "headers must be a plain object, or pairs of name and value, got 'a: b'"],
      [{ headers: Promise.resolve({}) }, 'headers must be a plain object'],
      [{ headers: new Date() }, 'headers must be a plain object'],
      [{ status: 401, headers: new (class Headers {})() }, 'headers must be a plain object'],
      [{ headers: () => ({}) }, 'headers must be a plain object'],
    ),
  )('%s', (said, answer) => {
    const message = problem(answer());
    expect(message.startsWith(`${RULE}; `)).toBe(true);
    expect(message).toContain(said);
  });

  test.each(
    bySaid(
      [{ data: () => {} }, 'got [Function: data]: () => {} could not be cloned.'],
      [{ data: { deep: Symbol('x') } }, 'got { deep: Symbol(x) }: Symbol(x) could not be cloned.'],
      [{ data: new WeakMap() }, 'WeakMap'],
      [
        {
          data: {
            get x() {
              throw new Error('a getter\nthrows');
            },
          },
        },
        'got { x: [Getter] }: a getter throws',
      ],
      [
        {
          data: {
            get x() {
              throw null;
            },
          },
        },
        'got { x: [Getter] }: null',
      ],
    ),
  )('%s, whose data cannot be cloned', (said, answer) => {
    expect(problem(answer())).toContain('data must be what structuredClone can copy, got ');
    expect(problem(answer())).toContain(said);
  });

  test('something that throws when it is looked at: what it throws is thrown', () => {
    const thrown = { on: 'purpose' };
    const raise = () => {
      throw thrown;
    };
    const traps = ['getPrototypeOf', 'ownKeys', 'getOwnPropertyDescriptor', 'get'] as const;
    for (const trap of traps) {
      expect(() => readDecision(new Proxy({ status: 401 }, { [trap]: raise }))).toThrow();
    }
    expect(() => readDecision(Object.defineProperty({}, 'status', { get: raise, enumerable: true }))).toThrow();
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(() => readDecision(proxy)).toThrow(TypeError);
  });
});

test('the message is one line of printable ASCII, of bounded length, and runs nothing of the answer', () => {
  let ran = 0;
  const run = () => {
    ran++;
    return 'é\u2028\x1b[31m\n'.repeat(10_000);
  };
  const answers: unknown[] = [
    run(),
    { [run()]: 1 },
    { status: run() },
    { subprotocol: [run(), run()] },
    { data: { [Symbol.toStringTag]: run(), f: run } },
    Array.from({ length: 1e5 }, () => 'x'),
    { a: { b: { c: { toString: run, toJSON: run, [Symbol.toPrimitive]: run } } } },
    Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`key${i}`, i])),
    { toString: run, [Symbol.for('nodejs.util.inspect.custom')]: run, [Symbol.toPrimitive]: run },
  ];
  const before = ran;
  for (const answer of answers) expect(problem(answer)).toMatch(/^[ -~]{20,700}$/);
  expect(ran).toBe(before);
});
