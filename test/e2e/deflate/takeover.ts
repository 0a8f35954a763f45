import { expect } from 'vitest';
import type { Outcome } from './echoing.js';
import type { Relayed } from './relay.js';

/** Which directions refer to earlier messages. */
export interface Takeover {
  readonly ofServer: boolean;
  readonly ofClient: boolean;
}

/** Of the messages of `echoAll` without compression: a good part of them are random bytes. */
const MOST_ON_THE_WIRE = 0.6;

/** Checks what `echoAll` has said, and what was on the wire meanwhile. */
export function expectCompressed(outcome: Outcome | undefined, relayed: Relayed | undefined, name: string): void {
  expect(outcome, name).toMatchObject({ wrong: [] });
  const { count = 0, bytes = 0 } = outcome ?? {};
  expect(count, name).toBeGreaterThan(40);
  expect(relayed?.fromClient, name).toBeLessThan(bytes * MOST_ON_THE_WIRE);
  expect(relayed?.fromServer, name).toBeLessThan(bytes * MOST_ON_THE_WIRE);
}

/**
 * The same for `repeat`: a text that is sent again and again has referred to itself where that was agreed on. With what else is on the
 * wire, it is a third at most then.
 */
export function expectTakeover(
  outcome: Outcome | undefined,
  relayed: Relayed | undefined,
  name: string,
  takeover: Takeover,
): void {
  expect(outcome, name).toMatchObject({ wrong: [] });
  const most = (outcome?.bytes ?? 0) / 3;
  const { fromServer = 0, fromClient = 0 } = relayed ?? {};
  expect(
    { ofServer: fromServer < most, ofClient: fromClient < most },
    `${name}: ${fromServer} and ${fromClient} bytes`,
  ).toEqual(takeover);
}
