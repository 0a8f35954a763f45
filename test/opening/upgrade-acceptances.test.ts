import { setImmediate as nextPhase } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { Boundary } from '../../dist/opening/boundary.js';
import { UpgradeAcceptances } from '../../dist/opening/upgrade-acceptances.js';
import { Waits } from '../../dist/opening/waits.js';
import { Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { duplexPair } from '../host/duplex-pair.js';

const RESPONSE = 'HTTP/1.1 101 Switching Protocols\r\n\r\n';
const INFO = { id: 7 };

/** What has happened, in its order. */
let log: string[];
/** What the kernel takes of so many bytes of a 101. */
let takes: (offered: number) => number;
/** The descriptors that there are; negative if there is none. */
let descriptors: number[];
let isWriting: boolean;
/** The ids of connections that were about to be placed. */
let placing: number[];
let acceptances: UpgradeAcceptances;
let ours: ReturnType<typeof duplexPair>[0];
let theirs: ReturnType<typeof duplexPair>[1];

beforeEach(() => {
  log = [];
  takes = (offered) => offered;
  descriptors = [5, 6];
  isWriting = false;
  placing = [];
  [ours, theirs] = duplexPair();
  const throttled = new ThrottledLog(({ level, line }) => void log.push(`${level}: ${line}`));
  const boundary = new Boundary(throttled);
  acceptances = new UpgradeAcceptances({
    destination: {
      unavailable: undefined,
      expectOne: () => {
        log.push('expected');
        return () => log.push('not expected any more');
      },
      place: ({ fd, info, head }: { fd: number; info: typeof INFO; head: Uint8Array }) =>
        log.push(`placed ${info.id} at ${fd} with ${Buffer.from(head)}`),
    },
    calls: {
      send: (fd: number, bytes: Buffer, start: number, end: number) => {
        const taken = takes(end - start);
        log.push(`sent to ${fd}: ${bytes.toString('latin1', start, start + Math.max(0, taken))}`);
        return taken;
      },
    },
    refusals: { refuseForNow: (_: unknown, body: string) => log.push(`refused: ${body}`) },
    waits: new Waits(60_000, boundary),
    incidents: new IncidentLog(new Counters(), throttled),
    log: throttled,
    boundary,
    onPlacing: ({ id }: typeof INFO) => void placing.push(id),
  } as never);
});

function accept(response = RESPONSE) {
  /** Whether the loss of the connection is not for the opening handshake to notice any more. */
  const accepted = { isPlaced: false };
  const socket = {
    isPlain: true,
    stream: ours,
    isWriting,
    descriptor: () => descriptors.shift() ?? -1,
    giveBack: (fd: number) => void log.push(`gave back ${fd}`),
    forgetLoss() {
      accepted.isPlaced = true;
    },
    leave: () => {
      log.push('left');
      return Buffer.from('a frame');
    },
  };
  acceptances.accept({ socket, sinceMs: 0 } as never, response, INFO as never);
  return accepted;
}

/** What the client gets of the stream. */
async function answer(): Promise<string> {
  await nextPhase();
  return String(theirs.read() ?? '');
}

describe('a connection with a descriptor', () => {
  it('is placed at once if the kernel takes the 101, and is expected until then', () => {
    expect(accept().isPlaced).toBe(true);
    expect(log).toEqual([
      'expected',
      `sent to 5: ${RESPONSE}`,
      'left',
      'placed 7 at 5 with a frame',
      'not expected any more',
    ]);
  });

  it.each([4095, 4096, 4097, 20_000])('gets a 101 of %i bytes whole', (length) => {
    const response = RESPONSE.padStart(length, 'é');
    accept(response);
    expect(log[1]).toBe(`sent to 5: ${response}`);
    expect(log).toContain('placed 7 at 5 with a frame');
  });

  it.each([-1, 0, 1, RESPONSE.length - 1])(
    'gets what the kernel does not take of it (%i bytes) by its stream, and is placed after that, by another descriptor',
    async (taken) => {
      takes = () => taken;
      const upgrade = accept();
      const sent = Math.max(0, taken);
      const before = ['expected', `sent to 5: ${RESPONSE.slice(0, sent)}`, 'not expected any more', 'gave back 5'];
      expect(log).toEqual(before);
      expect([upgrade.isPlaced, placing]).toEqual([false, []]);
      expect(await answer()).toBe(RESPONSE.slice(sent));
      expect(log.slice(before.length)).toEqual(['left', 'placed 7 at 6 with a frame']);
      expect([upgrade.isPlaced, placing]).toEqual([true, [7]]);
    },
  );

  it('gets it by its stream if an answer is still being written', async () => {
    isWriting = true;
    accept();
    expect(log).toEqual(['expected', 'not expected any more', 'gave back 5']);
    expect(await answer()).toBe(RESPONSE);
    expect(log.at(-1)).toBe('placed 7 at 6 with a frame');
  });
});

describe('a connection whose descriptor cannot be duplicated', () => {
  const SAID = 'error: no descriptor is left for a connection: is the limit (ulimit -n) reached?';

  it('is refused, and the log says why', () => {
    descriptors = [];
    expect(accept().isPlaced).toBe(false);
    expect(log).toEqual(['refused: the server is out of descriptors\n', SAID]);
  });

  it('is left alone if it is lost: it has none', () => {
    descriptors = [];
    ours.destroy();
    accept();
    expect(log).toEqual([]);
  });

  it('is dropped if its 101 is sent', async () => {
    descriptors = [5];
    takes = () => 3;
    expect(accept().isPlaced).toBe(false);
    await answer();
    expect(ours.destroyed).toBe(true);
    expect(log.slice(3)).toEqual(['gave back 5', SAID]);
  });
});
