import { once } from 'node:events';
import { setImmediate as nextPhase } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { createWindowMemory, type WindowMemory } from '../../dist/compression/window-memory.js';
import type { StreamHandOff } from '../../dist/host/hand-off.js';
import type { Upgrade } from '../../dist/host/upgrade-hook.js';
import { Boundary } from '../../dist/opening/boundary.js';
import { LingeringSockets } from '../../dist/opening/lingering-sockets.js';
import { UpgradeDecisions } from '../../dist/opening/upgrade-decisions.js';
import { UpgradeRefusals } from '../../dist/opening/upgrade-refusals.js';
import { ignoreError, StreamUpgradeSocket } from '../../dist/opening/upgrade-socket.js';
import { agreementOf, type DeflateAgreement, type DeflateSettings } from '../../dist/protocol/deflate/agreement.js';
import { readHandshake } from '../../dist/protocol/opening/handshake.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { duplexPair } from '../host/duplex-pair.js';

const KIB = 1024;
const WITHOUT_TAKEOVER: DeflateSettings = { contextTakeover: false, windowBits: 12, allowsFullWindows: false };
const WITH_TAKEOVER: DeflateSettings = { ...WITHOUT_TAKEOVER, contextTakeover: true };

const CHROME = 'permessage-deflate; client_max_window_bits';
const FIREFOX = 'permessage-deflate';
const SAFARI = 'permessage-deflate';
const WS = 'permessage-deflate; client_max_window_bits';
const UNDICI = 'permessage-deflate; client_max_window_bits';
const WEBSOCKETS = 'permessage-deflate; server_max_window_bits=12; client_max_window_bits=12';

let hook: Upgrade | undefined;
let placed: StreamHandOff[];
let lines: string[];
let counters: Counters;
let unavailable: string | undefined;
/** Whether the destination can host a stream. */
let hasRoom: boolean;
let windows: WindowMemory;
let beforePlacing: () => void;

beforeEach(() => {
  hook = undefined;
  placed = [];
  lines = [];
  counters = new Counters();
  unavailable = undefined;
  hasRoom = true;
  windows = createWindowMemory(8 * KIB);
  beforePlacing = () => {};
});

/** What was agreed on with a client that was placed; undefined if nothing is compressed. */
function agreed(index: number): DeflateAgreement | undefined {
  const { deflate } = placed[index]?.info ?? {};
  return deflate === undefined ? undefined : agreementOf(deflate);
}

/** What is reserved for windows, in bytes. */
const reserved = () => Atomics.load(new Int32Array(windows.reserved), 0) * KIB;

/** What of that counts as this thread's, which hosts nothing. */
const pending = () => counters.get(Counter.WINDOW_BYTES);

function decisionsOf(settings: DeflateSettings | undefined): UpgradeDecisions {
  const log = new ThrottledLog(({ line }) => lines.push(line));
  const incidents = new IncidentLog(counters, log);
  return new UpgradeDecisions({
    options: {
      handshakeTimeoutMs: 60_000,
      maxConnections: 100,
      maxConnectionsPerIp: 0,
      negotiation: settings && { settings, windows },
    },
    hookLimitMs: () => 60_000,
    destination: {
      get unavailable() {
        return unavailable;
      },
      get upgrade() {
        return hook;
      },
      expectOne: () => () => {},
      place: () => {},
      prepareStream: () => {
        beforePlacing();
        if (!hasRoom) throw new Error('no arena');
      },
      placeStream: (handOff) => void placed.push(handOff),
    },
    calls: undefined,
    refusals: new UpgradeRefusals(new LingeringSockets(), incidents),
    incidents,
    log,
    boundary: new Boundary(log),
  });
}

/** Decides about a new client that offers these extensions. */
function decide(settings: DeflateSettings | undefined, ...offers: readonly string[]) {
  return decideOn(duplexPair(), settings, ...offers);
}

function decideOn(
  [ours, theirs]: ReturnType<typeof duplexPair>,
  settings: DeflateSettings | undefined,
  ...offers: readonly string[]
) {
  ours.on('error', ignoreError); // as there is one on all that comes from the HTTP server
  const socket = new StreamUpgradeSocket(ours, '192.0.2.1', new Uint8Array(0));
  const rawHeaders = Object.entries({
    Host: 'ours.example',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }).flat();
  for (const offer of offers) rawHeaders.push('Sec-WebSocket-Extensions', offer);
  const handshake = readHandshake({ method: 'GET', target: '/room', httpVersion: '1.1', rawHeaders });
  decisionsOf(settings).decide({ id: 7, socket, handshake, decided: undefined, sinceMs: 0 });
  return {
    ours,
    /** Status line and headers of the answer. */
    answer: async () => {
      await nextPhase();
      return String(theirs.read() ?? '');
    },
  };
}

/** The value of Sec-WebSocket-Extensions in the 101 that these offers get; undefined if there is none. */
async function answered(settings: DeflateSettings | undefined, ...offers: readonly string[]) {
  const answer = await decide(settings, ...offers).answer();
  expect(answer).toMatch(/^HTTP\/1\.1 101 /);
  return /\r\nSec-WebSocket-Extensions: ([^\r]*)\r\n/.exec(answer)?.[1];
}

describe('the opening handshake of a server that compresses', () => {
  const NOBODY_KEEPS = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

  it.each([
    ['Chrome', CHROME, NOBODY_KEEPS],
    ['Firefox', FIREFOX, NOBODY_KEEPS],
    ['Safari', SAFARI, NOBODY_KEEPS],
    ['ws', WS, NOBODY_KEEPS],
    ['undici', UNDICI, NOBODY_KEEPS],
    ["Python's websockets", WEBSOCKETS, `${NOBODY_KEEPS}; server_max_window_bits=12`],
  ])('answers the offer of %s without takeover, and nothing is reserved', async (_, offer, answer) => {
    expect(await answered(WITHOUT_TAKEOVER, offer)).toBe(answer);
    const deflate = agreed(0);
    expect([deflate?.own.contextTakeover, deflate?.peer.contextTakeover]).toEqual([false, false]);
    expect(reserved()).toBe(0);
  });

  it.each([
    ['Chrome', CHROME, 'permessage-deflate; client_max_window_bits=12', 8],
    ['Firefox', FIREFOX, 'permessage-deflate; client_no_context_takeover', 4],
    ['Safari', SAFARI, 'permessage-deflate; client_no_context_takeover', 4],
    ['ws', WS, 'permessage-deflate; client_max_window_bits=12', 8],
    ['undici', UNDICI, 'permessage-deflate; client_max_window_bits=12', 8],
    ["Python's websockets", WEBSOCKETS, `permessage-deflate; server_max_window_bits=12; client_max_window_bits=12`, 8],
  ])('answers the offer of %s with takeover, and reserves its windows', async (_, offer, answer, kibibytes) => {
    expect(await answered(WITH_TAKEOVER, offer)).toBe(answer);
    // All but Python's keep 32 KiB, as far as a message refers to nothing before: they were told of no smaller window.
    const untold = offer === WEBSOCKETS ? {} : { standaloneBits: 15 };
    expect(agreed(0)?.own).toEqual({ windowBits: 12, contextTakeover: true, ...untold });
    expect(reserved()).toBe(kibibytes * KIB);
  });

  it('keeps a window of 32 KiB for a client that cannot use less, if it is to', async () => {
    windows = createWindowMemory(64 * KIB);
    expect(await answered({ ...WITH_TAKEOVER, allowsFullWindows: true }, FIREFOX)).toBe('permessage-deflate');
    expect(agreed(0)?.peer).toEqual({ windowBits: 15, contextTakeover: true });
    expect(reserved()).toBe(36 * KIB);
  });

  it('takes the first valid offer of several, over several lines', async () => {
    const invalid = 'permessage-deflate; server_max_window_bits=7';
    const answer = await answered(WITH_TAKEOVER, `permessage-foo, ${invalid}`, `${invalid}, ${CHROME}`, FIREFOX);
    expect(answer).toBe('permessage-deflate; client_max_window_bits=12');
  });

  it.each([
    ['nothing', []],
    ['another extension', ['x-webkit-deflate-frame']],
    ['invalid parameters', ['permessage-deflate; client_max_window_bits=16, permessage-deflate; unknown']],
  ])('accepts a client that offers %s, and compresses nothing', async (_, offers) => {
    expect(await answered(WITH_TAKEOVER, ...offers)).toBeUndefined();
    expect(Object.keys(placed[0]?.info ?? {})).not.toContain('deflate');
    expect(reserved()).toBe(0);
  });

  it('that does not compress says nothing about an offer, and its hand-off has no member more', async () => {
    expect(await answered(undefined, CHROME)).toBeUndefined();
    expect(Object.keys(placed[0]?.info ?? {})).not.toContain('deflate');
  });
});

describe('the hook upgrade', () => {
  it('turns compression off for one connection', async () => {
    hook = () => ({ deflate: false, data: 'attached' });
    expect(await answered(WITH_TAKEOVER, CHROME)).toBeUndefined();
    expect(placed[0]?.info.data).toBe('attached');
    expect(Object.keys(placed[0]?.info ?? {})).not.toContain('deflate');
    expect(reserved()).toBe(0);
  });

  it.each([[undefined], [{}], [{ deflate: true }], [{ deflate: undefined }]])('leaves it on by %j', async (answer) => {
    hook = () => answer;
    expect(await answered(WITH_TAKEOVER, CHROME)).toBeDefined();
  });

  it('that refuses, or whose acceptance cannot be sent, reserves nothing', async () => {
    hook = () => ({ status: 401 });
    expect(await decide(WITH_TAKEOVER, CHROME).answer()).toMatch(/^HTTP\/1\.1 401 /);
    expect(reserved()).toBe(0);
    hook = () => ({ subprotocol: 'not offered' });
    expect(await decide(WITH_TAKEOVER, CHROME).answer()).toMatch(/^HTTP\/1\.1 500 /);
    expect(reserved()).toBe(0);
  });

  it('cannot turn it on, or set Sec-WebSocket-Extensions itself', async () => {
    hook = () => ({ deflate: true });
    expect(await answered(undefined, CHROME)).toBeUndefined();
    hook = () => ({ headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } });
    expect(await decide(WITH_TAKEOVER, CHROME).answer()).toMatch(/^HTTP\/1\.1 500 /);
    expect(reserved()).toBe(0);
  });
});

describe('the memory for windows', () => {
  it('that is taken leaves nothing for the next, which is compressed without takeover, and that is said', async () => {
    expect(await answered(WITH_TAKEOVER, CHROME)).toBe('permessage-deflate; client_max_window_bits=12');
    expect([lines, counters.get(Counter.WINDOWS_REFUSED)]).toEqual([[], 0]);
    const nothingKept = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
    expect(await answered(WITH_TAKEOVER, CHROME)).toBe(nothingKept);
    expect(agreed(1)?.own.contextTakeover).toBe(false);
    expect(reserved()).toBe(8 * KIB);
    expect(counters.get(Counter.WINDOWS_REFUSED)).toBe(1);
    expect(lines).toEqual([
      '192.0.2.1 on /room: keep no windows: those of others take all memory for them (deflate.maxMemoryBytes)',
    ]);
  });

  it('goes with a connection that is placed: its loss is for its host to notice', async () => {
    const { ours } = decide(WITH_TAKEOVER, CHROME);
    expect(placed).toHaveLength(1);
    ours.destroy();
    await once(ours, 'close');
    expect([reserved(), pending()]).toEqual([8 * KIB, 0]);
  });

  it('is released if the server takes no connections any more', async () => {
    unavailable = 'the server is going away';
    expect(await decide(WITH_TAKEOVER, CHROME).answer()).toMatch(/^HTTP\/1\.1 503 /);
    expect([placed, reserved(), pending()]).toEqual([[], 0, 0]);
  });

  it('is released, once, if there is no room for the connection, which then closes', async () => {
    windows = createWindowMemory(16 * KIB);
    decide(WITH_TAKEOVER, CHROME);
    hasRoom = false;
    const { ours, answer } = decide(WITH_TAKEOVER, CHROME);
    expect(await answer()).toMatch(/^HTTP\/1\.1 503 /);
    ours.destroy();
    await once(ours, 'close');
    expect([reserved(), pending()]).toEqual([8 * KIB, 0]);
  });

  it('counts as that of this thread until the connection is placed, so that it is known if the thread dies', () => {
    let seen = 0;
    beforePlacing = () => (seen = pending());
    decide(WITH_TAKEOVER, CHROME);
    expect([placed.length, seen, pending()]).toEqual([1, 8 * KIB, 0]);
  });

  it('is not reserved for a client that has left before: nobody would notice its loss any more', async () => {
    const pair = duplexPair();
    pair[0].destroy();
    await once(pair[0], 'close');
    decideOn(pair, WITH_TAKEOVER, CHROME);
    expect([reserved(), pending()]).toEqual([0, 0]);
  });

  it('is not reserved for a client that has left while the hook decided', async () => {
    let settle: (answer: undefined) => void = () => {};
    hook = () => new Promise((resolve) => (settle = resolve));
    const { ours } = decide(WITH_TAKEOVER, CHROME);
    ours.destroy();
    await once(ours, 'close');
    settle(undefined);
    await nextPhase();
    expect(reserved()).toBe(0);
  });
});
