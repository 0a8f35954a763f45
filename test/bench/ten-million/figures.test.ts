import { describe, expect, it } from 'vitest';
import { backplaneFigure, publicationMicrosOf } from '../../../bench/ten-million/backplane.js';
import { costsOf } from '../../../bench/ten-million/costs.js';
import type { Figures } from '../../../bench/ten-million/figures-file.js';
import { medianOf } from '../../../bench/ten-million/median-of.js';

const FIGURES: Figures = {
  date: '2026-01-02T03:04:05.000Z',
  commit: '0123456789',
  machine: { cpu: 'a CPU', cores: 2, memoryGiB: 8, kernel: 'Linux', node: 'v20' },
  rounds: 3,
  isQuick: false,
  memory: [
    { isSecure: false, connections: 100, serverBytes: 6000, kernelBytes: 3000 },
    { isSecure: true, connections: 100, serverBytes: 30_000, kernelBytes: 4000 },
  ],
  echo: { bytes: 100, micros: 5 },
  deliveries: [
    { bytes: 1024, subscribers: 8000, isSecure: false, micros: 5 + 0.924 },
    { bytes: 100, subscribers: 500, isSecure: false, micros: 3 },
    { bytes: 100, subscribers: 8000, isSecure: false, micros: 5 },
    { bytes: 100, subscribers: 4000, isSecure: true, micros: 8 },
  ],
  publication: { oneThreadMicros: 2, twoThreadsMicros: 4.5 },
  lonePublication: { oneThreadMicros: 9, twoThreadsMicros: 29 },
  handshakes: [
    { kind: 'plain', micros: 50, primaryShare: 0.5 },
    { kind: 'plain, in workers', micros: 80, primaryShare: 0.25 },
    { kind: 'tls', micros: 400, primaryShare: 0.05 },
  ],
  heartbeatMicros: 10,
  backplanes: [],
  failures: [],
};

describe('the costs', () => {
  it('are what was measured, where most subscribers were', () => {
    const costs = costsOf(FIGURES, 'plain');
    expect(costs).toMatchObject({
      serverBytesPerConnection: 6000,
      kernelBytesPerConnection: 3000,
      handshakePrimaryMicros: 25,
      handshakeWorkerMicros: 25,
      heartbeatMicros: 10,
      publicationMicros: 7,
      crossingMicros: 2.5,
    });
    expect(costs.deliveryMicros).toBeCloseTo(4.9);
    expect(costs.deliveryMicrosPerByte).toBeCloseTo(0.001);
  });

  it('are those of TLS where there is TLS', () => {
    const costs = costsOf(FIGURES, 'tls');
    expect(costs).toMatchObject({ serverBytesPerConnection: 30_000, kernelBytesPerConnection: 4000 });
    expect(costs.handshakePrimaryMicros).toBeCloseTo(20);
    expect(costs.deliveryMicros + 100 * costs.deliveryMicrosPerByte).toBeCloseTo(8);
  });

  it('are less of the primary s where workers have the opening handshake', () => {
    const costs = costsOf(FIGURES, 'plain, in workers');
    expect(costs).toMatchObject({
      serverBytesPerConnection: 6000,
      handshakePrimaryMicros: 20,
      handshakeWorkerMicros: 60,
    });
  });

  it('of engines are those of the dearest that was measured, or assumed', () => {
    const backplanes = [
      { engine: 'NATS', bytes: 256, outMicros: 3, inMicros: 9, engineMicros: 1 },
      { engine: 'Redis', bytes: 256, outMicros: 5, inMicros: 4, engineMicros: 2 },
    ];
    expect(costsOf({ ...FIGURES, backplanes }, 'plain')).toMatchObject({ backplaneOutMicros: 5, backplaneInMicros: 9 });
    expect(costsOf(FIGURES, 'plain')).toMatchObject({ backplaneOutMicros: 15, backplaneInMicros: 20 });
  });

  it('need every figure', () => {
    expect(() => costsOf(FIGURES, 'tls resumed')).toThrow(
      'there is no figure of handshakes (tls resumed): npm run ten-million:measure',
    );
    expect(() => costsOf({ ...FIGURES, heartbeatMicros: Number.NaN }, 'plain')).toThrow(
      'there is no figure of heartbeats',
    );
  });
});

describe('figures of several rounds', () => {
  it('are medians of each number, with four digits that count', () => {
    const rounds = [
      { name: 'a', first: 1, second: 0.123456 },
      { name: 'a', first: 900, second: 0.2 },
      { name: 'a', first: 3, second: 0 },
    ];
    expect(medianOf(rounds)).toEqual({ name: 'a', first: 3, second: 0.1235 });
  });
});

describe('what an engine takes', () => {
  it('is of a publication, whatever the number of its subscribers', () => {
    const run = {
      publicationsPerSecond: 100,
      deliveriesPerSecond: 200,
      own: { p50Micros: 1, p99Micros: 1 },
      across: { p50Micros: 1, p99Micros: 1 },
      cpu: 1,
      serverMicros: 20,
      firstThreadMicros: [9, 6],
      engineMicros: 2,
      clientCpu: 1,
    };
    expect(publicationMicrosOf(run)).toEqual({ publisher: 9, other: 6, engine: 4 });
    expect(publicationMicrosOf({ ...run, firstThreadMicros: [9], engineMicros: 0 })).toEqual({
      publisher: 9,
      other: 0,
      engine: 0,
    });
  });

  it('is what a publisher takes more with it, and what another process takes', () => {
    const alone = { publisher: 2, other: 0, engine: 0 };
    expect(backplaneFigure('NATS', 256, alone, { publisher: 9, other: 6, engine: 4 })).toEqual({
      engine: 'NATS',
      bytes: 256,
      outMicros: 7,
      inMicros: 6,
      engineMicros: 4,
    });
    expect(backplaneFigure('NATS', 256, alone, { publisher: 1, other: 6, engine: 4 }).outMicros).toBe(0);
  });
});
