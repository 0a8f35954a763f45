import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { argumentsOf, type FanoutSample, fanoutSampleOf } from '../../bench/fanout.js';
import { among, type Fleet, NATS, REDIS, SOCKET_IO } from '../../bench/fleets.js';
import type { Results } from '../../bench/results.js';
import { quoteScale, quoteScaleInReadme } from '../../bench/scale-quoted.js';
import { scaleTable, timesAsLittle } from '../../bench/scale-table.js';
import {
  fleetName,
  medianFanout,
  SCALE_CASES,
  type ScaleCase,
  type ScaleCaseResult,
  type ScaleScore,
  scoreOf,
} from '../../bench/sections/scale.js';

const CASE = SCALE_CASES[0] as ScaleCase;
const TARGET = { dialect: 'plain', ports: [81, 82], serverPids: [11, 12], enginePid: 13 } as const;

const LINE = JSON.stringify({
  seconds: 2,
  publications: 100,
  deliveries: 40_000,
  near: { deliveries: 20_000, p50_us: 100, p99_us: 200, max_us: 300 },
  far: { deliveries: 20_000, p50_us: 150, p99_us: 350, max_us: 500 },
  cpu_s: [0.75, 0.25, 0.5],
  first_thread_s: [0.002, 0.001, 0.5],
  client_cpu_s: 1,
  errors: 0,
  lost: 0,
  connections_lost: 0,
});

function sample(serverMicros: number, options: Partial<FanoutSample> = {}): FanoutSample {
  return { ...fanoutSampleOf(LINE, '', TARGET), serverMicros, engineMicros: 0, cpu: 1, ...options };
}

function fleet(server: string, by: string, engine = by === 'none' ? undefined : REDIS): Fleet {
  const processes = by === 'none' ? 1 : 2;
  return { server, dialect: 'plain', processes, by, engine, command: () => [] };
}

function score(server: string, by: string, serverMicros: number, options: Partial<FanoutSample> = {}): ScaleScore {
  const across = by === 'none' ? { across: undefined } : {};
  const figures = sample(serverMicros, { ...across, ...options });
  return scoreOf(fleet(server, by), [{ flood: figures, paced: figures, othersCpu: 0 }]);
}

describe('the cases', () => {
  it('are selected as a whole by the name of the section, and no others are', () => {
    for (const { name } of SCALE_CASES) expect(name).toContain('scale');
    expect('scaling echo').not.toContain('scale');
  });

  it('have as many subscribers in each topic and process', () => {
    for (const { subscribers, topics } of SCALE_CASES) expect(subscribers % (topics * 2)).toBe(0);
  });

  it('are of both sizes and both numbers of topics, and one of them is quick', () => {
    const kinds = SCALE_CASES.map(({ topics, bytes }) => `${topics} ${bytes}`);
    expect(kinds).toEqual(['1 256', '1 4096', '100 256', '100 4096']);
    expect(SCALE_CASES.filter(({ isQuick }) => isQuick)).toHaveLength(1);
  });
});

describe('the program that publishes', () => {
  it('is told where to publish, and which processes to watch', () => {
    const load = { bytes: 256, topics: 4, subscribers: 16 };
    const turn = { seconds: 1, warmUpSeconds: 0.5, core: undefined };
    expect(argumentsOf(TARGET, { ...load, pace: { underWay: 8 } }, turn).join(' ')).toBe(
      '--warmup=0.5 --pids=11,12,13 plain 81,82 16 256 4 window 8 1',
    );
    const alone = { ...TARGET, dialect: 'socket.io', ports: [81], serverPids: [11], enginePid: undefined } as const;
    expect(argumentsOf(alone, { ...load, pace: { perSecond: 50 } }, turn).join(' ')).toBe(
      '--warmup=0.5 --pids=11 socket.io 81 16 256 4 rate 50 1',
    );
  });

  it('prints a line from which the figures are made', () => {
    expect(fanoutSampleOf(LINE, '', TARGET)).toEqual({
      publicationsPerSecond: 50,
      deliveriesPerSecond: 20_000,
      own: { p50Micros: 100, p99Micros: 200 },
      across: { p50Micros: 150, p99Micros: 350 },
      cpu: 0.75,
      serverMicros: 25,
      firstThreadMicros: [20, 10],
      engineMicros: 12.5,
      clientCpu: 0.5,
    });
  });

  it('has nothing to say of other processes if there is one', () => {
    const line = JSON.stringify({ ...JSON.parse(LINE), cpu_s: [1] });
    expect(fanoutSampleOf(line, '', { ports: [81], serverPids: [11] })).toMatchObject({
      across: undefined,
      serverMicros: 25,
      engineMicros: 0,
    });
  });

  it.each([
    [{ errors: 2 }, '2 errors, 0 deliveries missing, 0 connections lost: connection 1 of server 0: order'],
    [{ lost: 3 }, '0 errors, 3 deliveries missing'],
    [{ connections_lost: 1 }, '1 connections lost'],
  ])('makes no figures of what was wrong: %j', (wrong, message) => {
    const line = JSON.stringify({ ...JSON.parse(LINE), ...wrong });
    const complaints = 'connection 1 of server 0: order\nmore\n';
    expect(() => fanoutSampleOf(line, complaints, TARGET)).toThrow(message);
  });

  it('makes no figures if nothing came to the other process', () => {
    const line = JSON.parse(LINE);
    const silent = JSON.stringify({ ...line, far: { ...line.far, deliveries: 0 } });
    expect(() => fanoutSampleOf(silent, '', TARGET)).toThrow('nothing was delivered');
  });
});

describe('the fleets', () => {
  const all = [
    fleet('wsloom', 'none'),
    fleet('wsloom', 'NATS', NATS),
    fleet('wsloom', 'Redis'),
    fleet(SOCKET_IO, 'none'),
    fleet(SOCKET_IO, 'Redis'),
  ];

  it('take part if what they need is there', () => {
    expect(among(all, { hasSocketIo: true, engines: [NATS, REDIS] })).toEqual({ fleets: all, missing: [] });
  });

  it('are left out without their engine, which is named', () => {
    const { fleets, missing } = among(all, { hasSocketIo: true, engines: [NATS] });
    expect(fleets.map(fleetName)).toEqual(['wsloom', 'wsloom x 2, NATS', SOCKET_IO]);
    expect(missing).toEqual(['there is no redis-server on the PATH']);
  });

  it('are those of wsloom if Socket.IO is not installed', () => {
    const { fleets, missing } = among(all, { hasSocketIo: false, engines: [] });
    expect(fleets.map(fleetName)).toEqual(['wsloom']);
    expect(missing).toEqual([
      'Socket.IO is not installed: --peers installs it',
      'there is no nats-server on the PATH',
      'there is no redis-server on the PATH',
    ]);
  });

  it('have engines that listen at this machine only, and keep nothing', () => {
    expect(NATS.flags(7, '/folder').join(' ')).toBe('--addr 127.0.0.1 --port 7');
    expect(REDIS.flags(7, '/folder').join(' ')).toBe('--bind 127.0.0.1 --port 7 --dir /folder --save  --appendonly no');
  });
});

describe('the figures of a fleet', () => {
  it('are the medians of each figure', () => {
    const median = medianFanout([
      sample(10, { across: { p50Micros: 9, p99Micros: 10 } }),
      sample(30, { across: { p50Micros: 1, p99Micros: 30 } }),
      sample(20, { across: { p50Micros: 5, p99Micros: 20 } }),
    ]);
    expect(median).toMatchObject({ serverMicros: 20, across: { p50Micros: 5, p99Micros: 20 } });
  });

  it('say if the load was the limit, or something else ran', () => {
    expect(score('wsloom', 'none', 1, { cpu: 0.5 })).toMatchObject({ isClientBound: true, isDisturbed: false });
    const turn = { flood: sample(1), paced: sample(1), othersCpu: 0.5 };
    expect(scoreOf(fleet('wsloom', 'Redis'), [turn])).toMatchObject({ isClientBound: false, isDisturbed: true });
  });

  it('are compared with Socket.IO in as many processes, servers and engine together', () => {
    const across = score('wsloom', 'Redis', 2, { engineMicros: 1 });
    const others = [
      score(SOCKET_IO, 'none', 4),
      score(SOCKET_IO, 'Redis', 11, { engineMicros: 1 }),
      score(SOCKET_IO, 'Redis, sharded', 99),
    ];
    const own = score('wsloom', 'none', 1);
    const result: ScaleCaseResult = { case: CASE, scores: [own, across, ...others] };
    expect(timesAsLittle(result, own)).toBe(4);
    expect(timesAsLittle(result, across)).toBe(4);
    expect(timesAsLittle(result, others[1] as ScaleScore)).toBeUndefined();
    expect(timesAsLittle({ ...result, scores: [own, across] }, own)).toBeUndefined();
  });
});

function resultsOf(scores: readonly ScaleScore[]): Results {
  return {
    date: '2026-01-02T03:04:05.678Z',
    commit: '0123456789',
    machine: { cpu: 'a CPU', cores: 2, memoryGiB: 4, kernel: 'Linux 6', node: 'v20' },
    scale: { versions: { wsloom: '1', [SOCKET_IO]: '4' }, cases: [{ case: CASE, scores }] },
    isPinned: true,
    seconds: 1,
    rounds: 7,
  } as Partial<Results> as Results;
}

describe('the table', () => {
  it('has a row for each fleet, and says what is where', () => {
    const text = scaleTable(
      resultsOf([score('wsloom', 'none', 1), score('wsloom', 'Redis', 2), score(SOCKET_IO, 'none', 4)]),
    );
    expect(text).toContain('All servers and the engine between them share a core, the load has another');
    expect(text).toContain('wsloom 1, Socket.IO 4');
    expect(text).toContain('(medians of 1 x 1 s; times at 50 publications/s to 1 topic)');
    expect(text).toMatch(/scale 1 topic x 256 B +wsloom +20 000 +1\.00 +1\.00 +4\.00 +0\.100 +0\.200\n/);
    expect(text).toMatch(/ wsloom x 2, Redis +20 000 +1\.00 +2\.00 +0\.00 +0\.100 +0\.200 +0\.150 +0\.350\n/);
    expect(text).not.toMatch(/^[*!] /m);
  });

  it('marks figures that say little', () => {
    const bound = score('wsloom', 'none', 1, { cpu: 0.5 });
    const text = scaleTable(resultsOf([bound, { ...score(SOCKET_IO, 'none', 4), isDisturbed: true }]));
    expect(text).toMatch(/ wsloom +20 000 +0\.50\* /);
    expect(text).toMatch(/ Socket\.IO +20 000 +1\.00! /);
    expect(text).toContain('* the load was the limit');
    expect(text).toContain('! something else had');
  });
});

describe('what docs/benchmarks.md quotes', () => {
  const ROOT = new URL('../../', import.meta.url);
  const document = readFileSync(new URL('docs/benchmarks.md', ROOT), 'utf8');
  const file = new URL('bench/results/scale.json', ROOT);

  it.runIf(existsSync(file))('is what the results say (npm run bench:scale writes it)', () => {
    expect(document).toBe(quoteScale(document, JSON.parse(readFileSync(file, 'utf8')) as Results));
  });

  it.runIf(existsSync(file))('is in the README, in short', () => {
    const readme = readFileSync(new URL('README.md', ROOT), 'utf8');
    expect(readme).toBe(quoteScaleInReadme(readme, JSON.parse(readFileSync(file, 'utf8')) as Results));
    const results = resultsOf([score('wsloom', 'Redis', 1), score(SOCKET_IO, 'none', 4), score(SOCKET_IO, 'Redis', 8)]);
    const text = quoteScaleInReadme(readme, results);
    expect(text).toContain('\n| 1 × 256 B | wsloom × 2, Redis | 20 000 | 8.00 | 0.100, 0.200 | 0.150, 0.350 |\n<!--');
    expect(text).not.toContain('| Socket.IO |');
  });

  it('has a table for each case, and nothing else is replaced', () => {
    const bound = score('wsloom', 'Redis', 1, { cpu: 0.5 });
    const results = resultsOf([bound, score(SOCKET_IO, 'none', 4), score(SOCKET_IO, 'Redis', 8)]);
    const text = quoteScale(document, results);
    expect(text).toContain('Medians of 1 round of 1 s on 2 cores of a CPU, Node v20, wsloom 1, Socket.IO 4');
    expect(text).toContain(
      '**256 B, 1 topic, all 400 subscribers**: 32 publications under way; times at 50 publications/s',
    );
    expect(text).toContain('\n| wsloom × 2, Redis | 20 000\\* | 1.00 | 0.00 | 8.00 | 0.100, 0.200 | 0.150, 0.350 |\n');
    expect(text).toContain('\n| Socket.IO | 20 000 | 4.00 |  |  | 0.100, 0.200 |  |\n');
    const rest = (of: string) => of.split(/<!-- .*bench:scale.* -->/).filter((_, i) => i !== 1);
    expect(rest(text)).toEqual(rest(document));
    expect(quoteScale(text, results)).toBe(text);
  });
});
