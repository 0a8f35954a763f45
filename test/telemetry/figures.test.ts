import { setFlagsFromString } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { FIGURE_NAMES, figureOf } from '../../dist/telemetry/figures.js';
import { LimitIncident } from '../../dist/telemetry/limit-incident.js';
import { membersOf } from '../docs-of-members.js';

const rows = FIGURE_NAMES.map((name) => ({ name, ...figureOf(name) }));

describe('the table of figures', () => {
  it('gives each figure a place of its own, one behind the other', () => {
    expect(FIGURE_NAMES.map((name) => Counter[name])).toEqual(FIGURE_NAMES.map((_, index) => index));
  });

  it('gives places that the engine reads as fields, not from a dictionary', () => {
    setFlagsFromString('--allow-natives-syntax');
    expect(new Function('object', 'return %HasFastProperties(object)')(Counter)).toBe(true);
  });

  it('has the members of LimitStats, with the same docs', () => {
    const limits = rows.filter(({ limit }) => limit !== undefined);
    expect(
      membersOf('telemetry/server-stats.ts', 'LimitStats')
        .map(({ name, doc }) => [name, doc])
        .sort(),
    ).toEqual(limits.map(({ limit, help }) => [limit, help]).sort());
  });

  it('has the members of ServerStats that are sums, with the same docs', () => {
    const sums = rows.filter(({ stat }) => stat !== undefined);
    const others = ['limits', 'httpConnections', 'pendingUpgrades', 'threads', 'certificates', 'uptimeMs'];
    const members = membersOf('telemetry/server-stats.ts', 'ServerStats').map(({ name, doc }) => [name, doc] as const);
    expect(members.filter(([name]) => others.includes(name))).toHaveLength(others.length);
    expect(members.filter(([name]) => !others.includes(name)).sort()).toEqual(
      sums.map(({ stat, help }) => [stat, help] as const).sort(),
    );
  });

  it('names each figure once', () => {
    const names = rows.flatMap(({ stat, limit }) => [stat, limit]).filter((name) => name !== undefined);
    expect(new Set(names).size).toBe(names.length);
  });

  it('has for each limit its line in the log, and the options that set it, which its docs name', () => {
    for (const { name, limit, line, options = [], help } of rows) {
      if (limit === undefined) continue;
      expect(line, name).toBeDefined();
      expect(options.length, name).toBeGreaterThan(0);
      expect(
        options.some((option) => help.includes(`\`${option}`)),
        name,
      ).toBe(true);
    }
    const withLine = rows.filter(({ line }) => line !== undefined).map(({ name }) => name);
    expect(Object.keys(LimitIncident)).toEqual(withLine);
  });
});

describe('counters', () => {
  it('of a thread that has ended keep their counts, and its gauges become 0', () => {
    const counters = new Counters();
    for (const name of FIGURE_NAMES) counters.set(Counter[name], 5);
    counters.clearGauges();
    const left = FIGURE_NAMES.filter((name) => counters.get(Counter[name]) === 5);
    const cleared = FIGURE_NAMES.filter((name) => counters.get(Counter[name]) === 0);
    const connections = ['CONNECTIONS', 'CLOSING', 'HTTP_CONNECTIONS', 'PENDING_UPGRADES'];
    expect(cleared).toEqual([
      ...connections,
      'ARENA_BYTES',
      'BUFFERED_BYTES',
      'COMPRESSED',
      'WINDOW_BYTES',
      'BACKPLANE_SUBSCRIPTIONS',
      'QUEUED_BYTES',
      'BACKPRESSURED',
      'ARENA_SIZE_BYTES',
      'HEAP_USED_BYTES',
      'HEAP_LIMIT_BYTES',
      'LOOP_DELAY_SECONDS',
      'SAMPLED_AT_MS',
    ]);
    expect(left).toHaveLength(FIGURE_NAMES.length - cleared.length);
  });

  it('are seen by every thread that has their memory, and can be added up', () => {
    const ours = new Counters();
    const theirs = new Counters(ours.buffer);
    theirs.add(Counter.MESSAGES_IN, 3);
    expect(ours.get(Counter.MESSAGES_IN)).toBe(3);
    ours.addAll(theirs);
    expect(ours.get(Counter.MESSAGES_IN)).toBe(6);
    expect(ours.get(Counter.MESSAGES_OUT)).toBe(0);
  });

  it('are added up figure by figure', () => {
    const [sum, others] = [new Counters(), new Counters()];
    FIGURE_NAMES.forEach((name, i) => {
      sum.set(Counter[name], 1000);
      others.set(Counter[name], i + 1);
    });
    sum.addAll(others);
    expect(FIGURE_NAMES.map((name) => sum.get(Counter[name]))).toEqual(FIGURE_NAMES.map((_, i) => 1001 + i));
  });
});
