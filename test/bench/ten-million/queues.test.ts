import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Agenda } from '../../../bench/ten-million/agenda.js';
import { FifoServers } from '../../../bench/ten-million/fifo-servers.js';
import { exponential, seededRandom } from '../../../bench/ten-million/random.js';

describe('random numbers', () => {
  it('are the same for the same seed, and others for another', () => {
    const take = (seed: number) => Array.from({ length: 5 }, seededRandom(seed));
    expect(take(1)).toEqual(take(1));
    expect(take(1)).not.toEqual(take(2));
  });

  it('are from 0 to 1, one half on average, and spread evenly', () => {
    const random = seededRandom(3);
    const tenths = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) {
      const tenth = Math.floor(random() * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    expect(tenths).toHaveLength(10);
    for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  it('make times whose mean is as asked', () => {
    const random = seededRandom(4);
    const count = 200_000;
    let sum = 0;
    for (let i = 0; i < count; i++) sum += exponential(random, 3);
    expect(sum / count).toBeCloseTo(3, 1);
  });
});

describe('an agenda', () => {
  it('gives the events in the order of their times, and of the same time in the order of their clients', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 100 }), (times) => {
        const agenda = new Agenda(times.length);
        times.forEach((time, client) => {
          agenda.add(time, client);
        });
        const taken: (readonly [number, number])[] = [];
        while (agenda.size > 0) taken.push([agenda.nextTime, agenda.take()]);
        const sorted = times.map((time, client) => [time, client] as const).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
        expect(taken).toEqual(sorted);
        expect(agenda.nextTime).toBe(Number.POSITIVE_INFINITY);
      }),
    );
  });

  it('takes new events while it gives others', () => {
    const agenda = new Agenda(3);
    agenda.add(5, 0);
    agenda.add(1, 1);
    expect(agenda.take()).toBe(1);
    agenda.add(9, 1);
    agenda.add(3, 2);
    expect([agenda.take(), agenda.take(), agenda.take()]).toEqual([2, 0, 1]);
  });
});

describe('servers with one queue', () => {
  it('take what comes at once in the time that all of it takes', () => {
    const servers = new FifoServers(4, 0.5);
    const starts = Array.from({ length: 12 }, () => servers.enter(1));
    expect(starts).toEqual([1, 1, 1, 1, 1.5, 1.5, 1.5, 1.5, 2, 2, 2, 2]);
    expect(servers.busySeconds).toBe(6);
  });

  it('begin at once what comes when one of them is free', () => {
    const servers = new FifoServers(2, 1);
    expect([servers.enter(0), servers.enter(0.5), servers.enter(0.6), servers.enter(9)]).toEqual([0, 0.5, 1, 9]);
  });

  it('begin a job when the first of them is free, whatever comes when', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.float({ min: 0, max: 2, noNaN: true }), { maxLength: 50 }),
        (count, gaps) => {
          const servers = new FifoServers(count, 1);
          const freeAt = new Array<number>(count).fill(0);
          let time = 0;
          for (const gap of gaps) {
            time += gap;
            const first = freeAt.indexOf(Math.min(...freeAt));
            const start = Math.max(time, freeAt[first] ?? 0);
            freeAt[first] = start + 1;
            expect(servers.enter(time)).toBe(start);
          }
        },
      ),
    );
  });

  // Pollaczek and Khinchine: the mean wait is load * service / (2 * (1 - load)).
  it.each([0.3, 0.5, 0.8])('let jobs wait as long as theory says of one server at a load of %d (M/D/1)', (load) => {
    const random = seededRandom(5);
    const server = new FifoServers(1, 1);
    const jobs = 400_000;
    let time = 0;
    let waits = 0;
    for (let job = 0; job < jobs; job++) {
      time += exponential(random, 1 / load);
      waits += server.enter(time) - time;
    }
    const theory = load / (2 * (1 - load));
    expect(Math.abs(waits / jobs / theory - 1)).toBeLessThan(0.05);
  });
});
