import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../bench/ten-million/random.js';
import { backOffSeconds, type StormOptions, simulateStorm } from '../../../bench/ten-million/storm.js';

/** One node is left, with one worker; nothing but the worker takes time, and nobody loses patience. */
const SIMPLE: StormOptions = {
  nodes: 2,
  connections: 1000,
  primaryMicros: 0,
  workerMicros: 1000,
  workers: 1,
  busyShare: 0,
  backlog: 1_000_000,
  spareConnections: 1_000_000,
  connectTimeoutSeconds: 1000,
  roundTripMs: 0,
  roundTrips: 2,
  noticeSeconds: 0,
  backOff: { kind: 'none' },
  signInsPerSecond: 0,
  endsQuestions: false,
  signInTimeoutSeconds: 10,
  horizonSeconds: 1000,
  seed: 1,
};

const storm = (more: Partial<StormOptions> = {}) => simulateStorm({ ...SIMPLE, ...more });

describe('a storm of reconnects', () => {
  it('is over when all handshakes are done, one after another', () => {
    const { back, halfSeconds, ninetyNineSeconds, allSeconds, attempts } = storm();
    expect({ back, attempts }).toEqual({ back: 1000, attempts: 1000 });
    expect(halfSeconds).toBeCloseTo(0.5);
    expect(ninetyNineSeconds).toBeCloseTo(0.99);
    expect(allSeconds).toBeCloseTo(1);
  });

  it('is over in a fraction of the time with several workers', () => {
    expect(storm({ workers: 4 }).allSeconds).toBeCloseTo(0.25);
  });

  it('lasts as long as the slower of primary and workers', () => {
    expect(storm({ primaryMicros: 500, workers: 4 }).allSeconds).toBeCloseTo(0.5 + 0.001);
    expect(storm({ primaryMicros: 500 }).allSeconds).toBeCloseTo(1 + 0.0005);
  });

  it('lasts longer by what ordinary traffic takes, and handshakes take the same CPU time', () => {
    const { allSeconds, handshakeCpuSeconds, workerPeak } = storm({ busyShare: 0.5 });
    expect(allSeconds).toBeCloseTo(2);
    expect(handshakeCpuSeconds).toBeCloseTo(1);
    expect(workerPeak).toBeCloseTo(1);
  });

  it('adds the round trips of the network', () => {
    expect(storm({ roundTripMs: 100, roundTrips: 3 }).allSeconds).toBeCloseTo(1 + 0.3);
  });

  it('spreads over the nodes that are left, by chance', () => {
    const { perNode, back } = storm({ nodes: 11, connections: 10_000 });
    expect(perNode).toHaveLength(10);
    expect(perNode.reduce((sum, count) => sum + count)).toBe(back);
    for (const count of perNode) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('is no storm if clients notice the death one after another', () => {
    const { workerWaitSeconds, workerPeak, allSeconds = 0 } = storm({ noticeSeconds: 100 });
    expect(workerWaitSeconds).toBeLessThan(0.001);
    expect(workerPeak).toBeLessThan(0.05);
    expect(allSeconds).toBeGreaterThan(95);
  });

  it('drops what the backlog does not hold, and the kernel of the client tries again after 1, 3 and 7 s', () => {
    const { dropped, attempts, halfSeconds, allSeconds, timedOut, back } = storm({ backlog: 250, primaryMicros: 1 });
    // The first begins at once and waits for nobody: 251 at a time.
    expect(dropped).toBe(749 + 498 + 247);
    expect({ attempts, timedOut, back }).toEqual({ attempts: 1000, timedOut: 0, back: 1000 });
    expect(halfSeconds).toBeCloseTo(1.25, 1);
    expect(allSeconds).toBeCloseTo(7.25, 1);
  });

  it('has clients begin anew that wait too long, and work is done for those that have gone', () => {
    const { back, timedOut, attempts, handshakeCpuSeconds } = storm({ connectTimeoutSeconds: 0.3, horizonSeconds: 20 });
    expect(timedOut).toBeGreaterThan(0);
    expect(attempts).toBe(back + timedOut);
    expect(handshakeCpuSeconds).toBeCloseTo(attempts * 0.001);
    // Without back-off, 300 of 1000 are served in time in each turn, and the others are in front of the next turn.
    expect(back).toBeLessThan(1000);
  });

  it('ends with jitter even so', () => {
    const backOff = { kind: 'jitter', baseSeconds: 1, capSeconds: 30 } as const;
    expect(storm({ connectTimeoutSeconds: 0.3, backOff }).back).toBe(1000);
  });

  it('refuses beyond what nodes have room for', () => {
    const { back, refused, allSeconds } = storm({
      spareConnections: 600,
      backOff: { kind: 'fixed', seconds: 1 },
      horizonSeconds: 5.5,
    });
    expect(back).toBe(600);
    expect(refused).toBe(400 * 5);
    expect(allSeconds).toBeUndefined();
  });

  it('waits for a service that all nodes ask', () => {
    const { allSeconds, halfSeconds } = storm({ nodes: 4, signInsPerSecond: 200, workers: 16 });
    expect(allSeconds).toBeCloseTo(5, 1);
    expect(halfSeconds).toBeCloseTo(2.5, 1);
  });

  it('does not come to an end while this service answers for clients that have gone, and does if it need not', () => {
    const options = { signInsPerSecond: 50, signInTimeoutSeconds: 2, workers: 16, horizonSeconds: 60 };
    expect(storm(options).back).toBeLessThan(200);
    const { back, allSeconds } = storm({ ...options, endsQuestions: true });
    expect(back).toBe(1000);
    expect(allSeconds).toBeGreaterThanOrEqual(1000 / 50);
    expect(allSeconds).toBeLessThan(1000 / 50 + 2);
  });

  it('keeps others waiting for the handshakes in front of them', () => {
    expect(storm().othersWaitMaxSeconds).toBeCloseTo(1);
    expect(storm({ primaryMicros: 2000 }).othersWaitMaxSeconds).toBeCloseTo(0.001);
  });

  it('refuses clients that this service has no time for', () => {
    const backOff = { kind: 'jitter', baseSeconds: 1, capSeconds: 30 } as const;
    const { refused, back, timedOut } = storm({ signInsPerSecond: 200, signInTimeoutSeconds: 2, workers: 16, backOff });
    expect(refused).toBeGreaterThan(0);
    expect({ back, timedOut }).toEqual({ back: 1000, timedOut: 0 });
  });

  it('goes the same way for the same seed, and another way for another', () => {
    const options = {
      nodes: 4,
      noticeSeconds: 0.1,
      backOff: { kind: 'jitter', baseSeconds: 1, capSeconds: 9 },
    } as const;
    expect(storm(options)).toEqual(storm(options));
    expect(storm({ ...options, seed: 2 }).allSeconds).not.toBe(storm(options).allSeconds);
  });

  it('ends with every client connected once, whatever happens', () => {
    const options = fc.record({
      nodes: fc.integer({ min: 2, max: 6 }),
      connections: fc.integer({ min: 1, max: 400 }),
      workers: fc.integer({ min: 1, max: 4 }),
      primaryMicros: fc.integer({ min: 0, max: 2000 }),
      backlog: fc.integer({ min: 1, max: 100 }),
      busyShare: fc.constantFrom(0, 0.5, 0.9),
      connectTimeoutSeconds: fc.constantFrom(2, 5, 30),
      roundTripMs: fc.constantFrom(0, 10, 200),
      noticeSeconds: fc.constantFrom(0, 1, 10),
      signInsPerSecond: fc.constantFrom(0, 100),
      endsQuestions: fc.boolean(),
      seed: fc.integer({ min: 0, max: 1000 }),
    });
    const backOff = { kind: 'jitter', baseSeconds: 1, capSeconds: 60 } as const;
    fc.assert(
      fc.property(options, (given) => {
        const result = storm({ ...given, backOff, horizonSeconds: 100_000 });
        expect(result.back).toBe(given.connections);
        expect(result.perNode.reduce((sum, count) => sum + count)).toBe(given.connections);
        expect(result.attempts).toBe(result.back + result.timedOut + result.refused);
        const { halfSeconds = 0, ninetyNineSeconds = 0, allSeconds = 0 } = result;
        expect(halfSeconds).toBeLessThanOrEqual(ninetyNineSeconds);
        expect(ninetyNineSeconds).toBeLessThanOrEqual(allSeconds);
        expect(Math.max(result.primaryPeak, result.workerPeak)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a back-off', () => {
  it('of none is none, and a fixed one is always the same', () => {
    expect(backOffSeconds({ kind: 'none' }, 3, Math.random)).toBe(0);
    expect(backOffSeconds({ kind: 'fixed', seconds: 2 }, 3, Math.random)).toBe(2);
  });

  it('with full jitter is anything up to a bound that doubles until its cap', () => {
    const backOff = { kind: 'jitter', baseSeconds: 1, capSeconds: 30 } as const;
    const longest = [0, 1, 2, 3, 4, 5, 60].map((failures) => backOffSeconds(backOff, failures, () => 1));
    expect(longest).toEqual([1, 2, 4, 8, 16, 30, 30]);
    const random = seededRandom(1);
    const some = Array.from({ length: 1000 }, () => backOffSeconds(backOff, 2, random));
    expect(Math.min(...some)).toBeLessThan(0.1);
    expect(Math.max(...some)).toBeLessThan(4);
  });
});
