import { describe, expect, it } from 'vitest';
import { CASES, type Case } from '../../bench/cases.js';
import { throughputChart } from '../../bench/chart-specs.js';
import { type Sample, sampleOf } from '../../bench/loadgen.js';
import { coresOf } from '../../bench/machine.js';
import { ratiosTo, report } from '../../bench/report.js';
import type { Results } from '../../bench/results.js';
import { medianSample, type Score } from '../../bench/sections/throughput.js';

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

  it('is not drawn without ws', () => {
    expect(throughputChart(results([score('wsloom', 200)]))).toBeUndefined();
  });
});

it('gives each case a name of its own', () => {
  expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
});

it.each([
  ['0-1', [0, 1]],
  ['3', [3]],
  ['0-2,8,10-11', [0, 1, 2, 8, 10, 11]],
  ['', []],
])('reads the list of cores %s', (list, cores) => {
  expect(coresOf(list)).toEqual(cores);
});
