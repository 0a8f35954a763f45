import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CASES, type Case } from '../../bench/cases.js';
import { deflateChart, throughputChart, wssChart } from '../../bench/chart-specs.js';
import { openingOf, type Sample, sampleOf } from '../../bench/loadgen.js';
import { coresOf } from '../../bench/machine.js';
import { ratiosTo, report } from '../../bench/report.js';
import type { Results } from '../../bench/results.js';
import { DEFLATE_NAMES, NO_DEFLATE } from '../../bench/sections/deflate.js';
import type { OpeningFigures } from '../../bench/sections/openings.js';
import { NO_SCALE } from '../../bench/sections/scale.js';
import { STORMS } from '../../bench/sections/storms.js';
import { medianSample, type Score } from '../../bench/sections/throughput.js';
import { NO_TLS, TLS_NAMES } from '../../bench/sections/tls.js';

const ECHO = CASES[0] as Case;
const LINE =
  '{"mode":"echo","msgs_per_s":500.0,"MBps":0.01,"p50_us":90.5,"p99_us":250.0,"errors":1,"lost":2,"conns_lost":3,' +
  '"connect_s":0.25,"client_cpu":0.5,"server_cpu":0.98,"server_us_per_msg":20.0,"server_rss_kb":2}';

function sample(perSecond: number, microsPerMessage = 1e6 / perSecond): Sample {
  return { ...sampleOf(LINE), perSecond, microsPerMessage, errors: 0 };
}

function score(server: string, perSecond: number, isClientBound = false): Score {
  return { server, medians: sample(perSecond), isClientBound, isDisturbed: false, turns: [] };
}

/** Figures of connections that were opened. */
function opened(perCoreSecond: number): OpeningFigures {
  return { seconds: 0.5, perSecond: 700, cpuMicros: 1e6 / perCoreSecond, perCoreSecond, firstThreadShare: 0.05 };
}

function results(scores: readonly Score[], failures: readonly string[] = []): Results {
  return {
    date: '2026-01-02T03:04:05.678Z',
    commit: '0123456789',
    machine: { cpu: 'a CPU', cores: 2, memoryGiB: 4, kernel: 'Linux 6', node: 'v20' },
    versions: { wsloom: '1.2.3', floor: '' },
    rounds: 5,
    seconds: 2,
    isQuick: false,
    isPinned: true,
    throughput: [{ case: ECHO, scores }],
    connections: [],
    tls: NO_TLS,
    deflate: NO_DEFLATE,
    storms: [],
    scrapes: [],
    scale: NO_SCALE,
    scaling: [],
    http: [],
    kernels: [],
    failures,
  };
}

describe('the line of the load generator', () => {
  it('is read, and all errors are one number', () => {
    expect(sampleOf(LINE)).toEqual({
      perSecond: 500,
      bytesPerSecond: 10_000,
      compressionRatio: 1,
      p50Micros: 90.5,
      p99Micros: 250,
      cpu: 0.98,
      microsPerMessage: 20,
      clientCpu: 0.5,
      residentBytes: 2048,
      connectSeconds: 0.25,
      errors: 6,
    });
  });

  it('says what it took to open the connections', () => {
    const line = '{"conns":500,"conns_lost":1,"connect_s":0.5,"connect_server_s":0.25,"connect_first_thread_s":0.05}';
    expect(openingOf(line)).toEqual({ connections: 499, seconds: 0.5, cpuSeconds: 0.25, firstThreadSeconds: 0.05 });
  });

  it('counts deliveries in a broadcast', () => {
    expect(sampleOf('{"mode":"broadcast","deliveries_per_s":7}').perSecond).toBe(7);
  });
});

describe('the results of a case', () => {
  it('are the medians of each figure', () => {
    const median = medianSample([sample(10, 3), sample(30, 1), sample(20, 9)]);
    expect(median).toMatchObject({ perSecond: 20, microsPerMessage: 3 });
  });

  it('are compared with one of its servers', () => {
    const scores = [score('wsloom', 200), score('ws', 100), score('Bun', 300, true)];
    expect(ratiosTo({ case: ECHO, scores }, 'ws')).toEqual([
      { server: 'wsloom', value: 2, isOfCpuTime: false },
      { server: 'Bun', value: 3, isOfCpuTime: true },
    ]);
  });

  it('are not compared with a server that is not there', () => {
    expect(ratiosTo({ case: ECHO, scores: [score('wsloom', 200)] }, 'ws')).toEqual([]);
  });
});

describe('the report', () => {
  it.each(['bench', 'tls', 'deflate'])('is made of results that may know less of the machine: %s.json', (name) => {
    const file = new URL(`../../bench/results/${name}.json`, import.meta.url);
    const older = JSON.parse(readFileSync(file, 'utf8')) as Results;
    expect(report({ ...results([]), ...older })).toContain(`\n${older.machine.cpu}`);
  });

  it('names the vectors of the processor', () => {
    const own = results([score('wsloom', 1)]);
    const machine = { ...own.machine, identity: 'family 1', vectors: ['AVX2'] };
    expect(report({ ...own, machine })).toContain('\na CPU (family 1; AVX2), 2 cores, ');
  });

  it('names the machine, and has a row for each server', () => {
    const text = report(results([score('wsloom', 200), score('ws', 100), score('floor', 400)]));
    expect(text).toContain('a CPU, 2 cores, 4 GiB, Linux 6, Node v20');
    expect(text).toMatch(/echo 100x20 B,1 +wsloom +200 .* 2\.00 +0\.500\n/);
    expect(text).not.toContain('*');
  });

  it('marks figures that the client has limited, and says what is compared then', () => {
    const text = report(results([score('wsloom', 200), score('ws', 100, true)]));
    expect(text).toMatch(/wsloom .* 2\.00\*\n/);
    expect(text).toContain('* CPU time per message is compared');
  });

  it('marks figures that something else has disturbed', () => {
    const text = report(results([{ ...score('wsloom', 200, true), isDisturbed: true }]));
    expect(text).toMatch(/wsloom .* 0\.98! /);
    expect(text).toContain('! something else had');
  });

  it('has tables of what was measured with TLS', () => {
    const tls = {
      throughput: [{ case: { ...ECHO, name: 'tls echo' }, scores: [score('wsloom', 300), score('ws', 100)] }],
      handshakes: [
        { server: 'wsloom', threads: 1, full: opened(2000), resumed: opened(3000) },
        { server: 'ws', threads: 1, full: opened(1000), resumed: opened(2000) },
      ],
      connections: [{ server: 'wsloom', connections: 9, perSecond: 1, bytesPerConnection: 2048 }],
    };
    const text = report({ ...results([]), throughput: [], tls });
    expect(text).toMatch(/Throughput with TLS 1\.3, .*\(medians of 5 x 2 s\)\n/);
    expect(text).toMatch(/tls echo +wsloom +300 .* 3\.00\s/);
    expect(text).toMatch(/wsloom +1 +2 000 +2\.00 +700 +5 % +3 000 +1\.50 +700 +5 %/);
    expect(text).toMatch(/Connections with TLS\n.*\n.*\nwsloom +9 +1\.00 +2\.00/);
  });

  it('has the ratio beside each figure of compressed messages, and compares with each setting of ws', () => {
    const compressed = (server: string, perSecond: number, compressionRatio: number) => {
      const { medians, ...rest } = score(server, perSecond);
      return { ...rest, medians: { ...medians, compressionRatio } };
    };
    const scores = [
      compressed('wsloom', 600, 0.452),
      compressed('ws', 100, 0.431),
      compressed('ws level 2', 200, 0.449),
      compressed('floor', 50, 1),
    ];
    const deflate = { throughput: [{ case: { ...ECHO, name: 'deflate echo' }, scores }], connections: [] };
    const text = report({ ...results([]), rounds: 7, throughput: [], deflate });
    expect(text).toMatch(/Throughput of compressed JSON, .*\(medians of 5 x 2 s\)\n/);
    expect(text).toMatch(/server +ratio +messages\/s .* to ws +to ws level 2\n/);
    expect(text).toMatch(/deflate echo +wsloom +0\.452 +600 .* 6\.00 +3\.00\n/);
    expect(text).toMatch(/ ws level 2 +0\.449 +200 .* 2\.00\n/);
  });

  it('has no column of ratios where nothing is compressed', () => {
    expect(report(results([score('wsloom', 200)]))).not.toContain('ratio');
  });

  it('compares what windows take with the same server uncompressed, and then with ws', () => {
    const idle = (server: string, kib: number) => ({
      ...{ server, connections: 9, perSecond: 1, bytesPerConnection: kib * 1024 },
    });
    const connections = [
      ...[idle('wsloom', 15), idle('wsloom uncompressed', 6)],
      ...[idle('ws', 300), idle('ws uncompressed', 10)],
    ];
    const text = report({ ...results([]), throughput: [], deflate: { throughput: [], connections } });
    expect(text).toContain('Idle connections with context takeover, after 10 messages of 4 KiB on each');
    expect(text).toMatch(/\nwsloom +9 +15\.0 +9\.00 +0\.031\n/);
    expect(text).toMatch(/\nwsloom uncompressed +9 +6\.00\n/);
    expect(text).toMatch(/\nws +9 +300 +290 +1\.00\n/);
  });

  it('does not claim more rounds with TLS than there are at most', () => {
    const throughput = [{ case: ECHO, scores: [score('wsloom', 300)] }];
    const text = report({ ...results([]), rounds: 7, throughput: [], tls: { ...NO_TLS, throughput } });
    expect(text).toContain('(medians of 5 x 2 s)');
  });

  it('compares the handshake in the workers with the one in the primary, by threads', () => {
    const storm = (handshake: 'primary' | 'worker', threads: number, perCoreSecond: number) => {
      const figures = opened(perCoreSecond);
      return { handshake, threads, connections: 5000, first: figures, again: figures, stream: figures };
    };
    const storms = [
      storm('primary', 1, 100),
      storm('worker', 1, 200),
      storm('primary', 2, 400),
      storm('worker', 2, 600),
    ];
    const text = report({ ...results([]), storms });
    expect(text).toContain('Storms of 5000 connections at once');
    expect(text).toMatch(/--handshake worker +1 .* 200 +2\.00 /);
    expect(text).toMatch(/--handshake worker +2 .* 600 +1\.50 /);
  });

  it('has the time of a scrape, and of echoes with one and without', () => {
    const times = { firstMs: 14, medianMs: 1.5, longestMs: 3.25, echoMs: 0.75, quietEchoMs: 0.5 };
    const text = report({ ...results([]), scrapes: [{ threads: 16, connections: 10_000, bytes: 81_920, ...times }] });
    expect(text).toMatch(/^16 +10000 +80\.0 +14\.0 +1\.50 +3\.25 +0\.75\d* +0\.50\d*$/m);
  });

  it('ends with what could not be measured', () => {
    expect(report(results([], ['connections, Deno: it ended']))).toMatch(/\n {2}connections, Deno: it ended\n$/);
  });
});

describe('the chart of throughput', () => {
  it('has the ratios to ws', () => {
    const chart = throughputChart(results([score('wsloom', 200), score('ws', 100)]));
    expect(chart).toMatchObject({ data: { values: [{ case: ECHO.name, server: 'wsloom', ratio: 2, label: '2.0' }] } });
  });

  it('leaves out a server that carried nothing, because a logarithmic axis has no zero', () => {
    const chart = throughputChart(results([score('wsloom', 200), score('Deno', 0), score('ws', 100)]));
    expect(chart).toMatchObject({ data: { values: [{ server: 'wsloom' }] } });
  });

  it('is drawn for TLS by itself', () => {
    const throughput = [{ case: ECHO, scores: [score('wsloom', 300), score('ws', 100)] }];
    const chart = wssChart({ ...results([]), throughput: [], tls: { ...NO_TLS, throughput } });
    expect(chart).toMatchObject({ title: { text: expect.stringContaining('over TLS') } });
    expect(chart).toMatchObject({ data: { values: [{ server: 'wsloom', ratio: 3 }] } });
    expect(wssChart(results([score('wsloom', 300), score('ws', 100)]))).toBeUndefined();
  });

  it('is drawn for compressed messages by itself, without the server that compresses none', () => {
    const scores = [
      score('wsloom', 600),
      score('wsloom uncompressed', 900),
      score('ws level 2', 120),
      score('ws', 100),
    ];
    const deflate = { ...NO_DEFLATE, throughput: [{ case: ECHO, scores }] };
    const chart = deflateChart({ ...results([]), throughput: [], deflate });
    expect(chart).toMatchObject({ title: { text: expect.stringContaining('Compressed') } });
    const values = [
      { server: 'wsloom', ratio: 6 },
      { server: 'ws level 2', ratio: 1.2 },
    ];
    expect(chart).toMatchObject({ data: { values } });
    expect(deflateChart(results([score('wsloom', 300), score('ws', 100)]))).toBeUndefined();
  });

  it('is not drawn without ws', () => {
    expect(throughputChart(results([score('wsloom', 200)]))).toBeUndefined();
  });
});

it('gives each case a name of its own', () => {
  const names = [...CASES.map(({ name }) => name), ...TLS_NAMES, ...DEFLATE_NAMES, STORMS];
  expect(new Set(names).size).toBe(names.length);
});

it.each([
  ['0-1', [0, 1]],
  ['3', [3]],
  ['0-2,8,10-11', [0, 1, 2, 8, 10, 11]],
  ['', []],
])('reads the list of cores %s', (list, cores) => {
  expect(coresOf(list)).toEqual(cores);
});
