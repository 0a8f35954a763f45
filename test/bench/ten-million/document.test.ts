import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { MissingFigure } from '../../../bench/ten-million/costs.js';
import { tenMillionMarkdown } from '../../../bench/ten-million/document.js';
import type { Figures } from '../../../bench/ten-million/figures-file.js';
import { isOf, type Simulation, stormScenarios, topicScenarios } from '../../../bench/ten-million/scenarios.js';
import { parseSimulateSettings } from '../../../bench/ten-million/simulate-settings.js';
import { simulateStorm } from '../../../bench/ten-million/storm.js';
import { simulateTopic } from '../../../bench/ten-million/topic.js';

const ROOT = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');
const measured = JSON.parse(read('bench/results/ten-million-figures.json')) as Figures;
const simulated = JSON.parse(read('bench/results/ten-million-simulation.json')) as Simulation;

/** Round figures, of which the rest can be told in the head. */
const FIGURES: Figures = {
  ...measured,
  machine: { ...measured.machine, cpu: 'a CPU' },
  memory: [
    { isSecure: false, connections: 100, serverBytes: 6000, kernelBytes: 3000 },
    { isSecure: true, connections: 100, serverBytes: 30_000, kernelBytes: 3000 },
  ],
  echo: { bytes: 100, micros: 5 },
  deliveries: [
    { bytes: 100, subscribers: 500, isSecure: false, micros: 3 },
    { bytes: 100, subscribers: 8000, isSecure: false, micros: 5 },
    { bytes: 1024, subscribers: 8000, isSecure: false, micros: 6 },
    { bytes: 100, subscribers: 4000, isSecure: true, micros: 8 },
  ],
  publication: { oneThreadMicros: 2, twoThreadsMicros: 4 },
  lonePublication: { oneThreadMicros: 9, twoThreadsMicros: 29 },
  handshakes: [
    { kind: 'plain', micros: 50, primaryShare: 0.5 },
    { kind: 'plain, in workers', micros: 80, primaryShare: 0.125 },
    { kind: 'tls', micros: 400, primaryShare: 0.05 },
    { kind: 'tls resumed', micros: 300, primaryShare: 0.05 },
  ],
  heartbeatMicros: 10,
  backplanes: [],
};

describe('docs/ten-million.md', () => {
  it('says what the figures and the simulation say (npm run ten-million:report writes it)', () => {
    expect(read('docs/ten-million.md')).toBe(tenMillionMarkdown(measured, simulated));
  });

  it('rests on a simulation of the same figures and assumptions (npm run ten-million:simulate makes it)', () => {
    expect(isOf(simulated, measured)).toBe(true);
  });

  it('shows what the simulation says today', () => {
    const [storm] = [...simulated.storms].sort((a, b) => a.result.attempts - b.result.attempts);
    expect(storm && simulateStorm(storm.options)).toEqual(storm?.result);
    const topic = simulated.topics.find(({ options }) => options.nodes === 1);
    expect(topic && simulateTopic(topic.options)).toEqual(topic?.result);
  });

  const text = tenMillionMarkdown(FIGURES, simulated);

  it('names the machine that was measured', () => {
    expect(text).toContain(`on a CPU, ${measured.machine.cores} cores`);
  });

  it('says what is assumed and what is measured of engines', () => {
    const backplanes = [{ engine: 'NATS', bytes: 100, outMicros: 7, inMicros: 9, engineMicros: 4 }];
    const withEngine = tenMillionMarkdown({ ...FIGURES, backplanes }, simulated);
    expect(text).toContain('is assumed too, as 15 and 20 µs');
    expect(withEngine).not.toContain('is assumed too, as');
    const headlines = text.split('\n').filter((line) => line.startsWith('- **Ten million, '));
    const resting = headlines.filter((line) => line.includes('a cost of engines that is assumed'));
    expect(resting.map((line) => /million, (.*?):/.exec(line)?.[1])).toEqual(['rooms, anywhere']);
    expect(withEngine).not.toContain('a cost of engines that is assumed');
    expect(withEngine).toContain(
      '| CPU time: a publication of 100 B by NATS: the primary that sends, the one that receives, NATS itself | 7.00 µs, 9.00 µs, 4.00 µs |',
    );
    expect(withEngine).toContain('one core of that machine would do NATS 500 000 of them.');
    expect(withEngine).toContain('| publications from the engine, by the primary | 9.00 µs | 67 000 a second |');
  });

  it('names what gives out first, and how many machines that is', () => {
    expect(text).toContain(
      '**Ten million, idle:** 2 machines with 6 processes each, and one in reserve; memory gives out first. ' +
        'With one process on each machine: 11 machines, and one in reserve; descriptors give out first.',
    );
    const fat = FIGURES.memory.map((one) => ({ ...one, serverBytes: 100_000 }));
    const byMemory = tenMillionMarkdown({ ...FIGURES, memory: fat }, simulated);
    expect(byMemory).toContain('**Ten million, idle:** 21 machines, and one in reserve; memory gives out first.');
  });

  it('says what TLS makes scarce, for each load', () => {
    const [line = ''] = text.split('\n').filter((one) => one.startsWith('**With TLS,**'));
    expect(line).toMatch(/\*idle\* takes .* instead of 2 machines with 6 processes each, and memory gives out first;/);
    expect(line).toMatch(/\*rooms, each in one process\* takes .* instead of .*, and CPU time gives out first\./);
  });

  it('says how much an assumption about threads decides', () => {
    expect(text).toContain(
      'go in batches: 2.00 µs. One that crosses alone, and wakes that thread, takes more: 20.0 µs. If all did,',
    );
    expect(text).toMatch(/\*rooms, each in one process\* would take \d+ machines.* instead of \d+ machines/);
  });

  it('shows a client that waits as the simulated ones do', () => {
    const [, script = ''] = /reconnect\.mjs -->\n```js\n(.*?)```/s.exec(text) ?? [];
    const sockets: { onopen?: () => void; onclose?: () => void }[] = [];
    const delays: number[] = [];
    runInNewContext(script.replace(/^import .*/, ''), {
      console: { log: () => {} },
      Math: { min: Math.min, random: () => 0.5 },
      setTimeout: (connect: () => void, ms: number) => {
        delays.push(ms);
        connect();
      },
      WebSocket: function Socket(this: object) {
        sockets.push(this);
      },
    });
    for (let i = 0; i < 7; i++) sockets.at(-1)?.onclose?.();
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
    sockets.at(-1)?.onopen?.();
    sockets.at(-1)?.onclose?.();
    expect(delays.at(-1)).toBe(500);
  });

  it('shows commands that there are', () => {
    const commands = [...text.matchAll(/`npm run ten-million:simulate -- ([^`]+)`/g)].map(([, line = '']) =>
      line.split(' '),
    );
    expect(commands.map((words) => parseSimulateSettings(words).kind)).toEqual(['storm', 'topic']);
  });

  it('is not made of figures that are missing', () => {
    const without: readonly Partial<Figures>[] = [
      { memory: [] },
      { handshakes: [] },
      { deliveries: [] },
      { heartbeatMicros: null as unknown as number }, // so JSON has what is not a number
    ];
    for (const one of without)
      expect(() => tenMillionMarkdown({ ...FIGURES, ...one }, simulated)).toThrow(MissingFigure);
  });

  it('knows a simulation of other figures', () => {
    const handshakes = measured.handshakes.map((one) => ({ ...one, micros: one.micros + 1 }));
    expect(isOf(simulated, { ...measured, handshakes })).toBe(false);
  });
});

describe('the scenarios', () => {
  it('are of the fleet that the arithmetic has found, its reserve included', () => {
    const [many] = stormScenarios(FIGURES);
    expect(many?.options).toMatchObject({ nodes: 12, connections: 833_333, primaryMicros: 25, workerMicros: 25 });
    const few = stormScenarios(FIGURES).find(({ fleet }) => fleet === 'few nodes');
    expect(few?.options).toMatchObject({ nodes: 3, connections: 3_333_333 });
    const workers = stormScenarios(FIGURES).find(({ handshake }) => handshake === 'plain, in workers');
    expect(workers?.options).toMatchObject({ nodes: 12, primaryMicros: 10, workerMicros: 70 });
    const secure = stormScenarios(FIGURES).find(({ handshake }) => handshake === 'tls');
    expect(secure?.options).toMatchObject({ primaryMicros: 20, workerMicros: 380, roundTrips: 3 });
  });

  it('leave out what was not measured', () => {
    const handshakes = FIGURES.handshakes.filter(({ kind }) => kind !== 'plain, in workers');
    const without = stormScenarios({ ...FIGURES, handshakes });
    expect(without.some(({ handshake }) => handshake === 'plain, in workers')).toBe(false);
    expect(without).toHaveLength(stormScenarios(FIGURES).length - 2);
  });

  it('have what a delivery takes by its size', () => {
    const [small] = topicScenarios(FIGURES);
    expect(small?.options.deliveryMicros).toBeCloseTo(5);
    expect(topicScenarios(FIGURES).at(-1)?.options.deliveryMicros).toBeCloseTo(6);
  });
});
