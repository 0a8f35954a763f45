import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { FIGURE_NAMES, figureOf } from '../../dist/telemetry/figures.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { LimitIncident } from '../../dist/telemetry/limit-incident.js';
import { reportTo, ThrottledLog } from '../../dist/telemetry/throttled-log.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function makeIncidents() {
  const lines: string[] = [];
  const counters = new Counters();
  const log = { info: (line: string) => void lines.push(line), warn: () => {}, error: () => {} };
  return { incidents: new IncidentLog(counters, new ThrottledLog(reportTo(log))), counters, lines };
}

describe('incidents', () => {
  it('are reported at once, with the connection and the reason', () => {
    const { incidents, lines } = makeIncidents();
    incidents.add(LimitIncident.STALLS, 'connection 1');
    expect(lines).toEqual([`connection 1: ${LimitIncident.STALLS.what}`]);
  });

  it('of one kind are one line a second, which counts them and names the last', () => {
    const { incidents, lines } = makeIncidents();
    for (let i = 1; i <= 1000; i++) incidents.add(LimitIncident.STALLS, `connection ${i}`);
    expect(lines).toHaveLength(1);
    vi.advanceTimersByTime(1000);
    expect(lines[1]).toBe(`999 times more, last connection 1000: ${LimitIncident.STALLS.what}`);
    incidents.add(LimitIncident.STALLS, 'connection 1001');
    incidents.add(LimitIncident.STALLS, 'connection 1002');
    expect(lines).toHaveLength(2);
    vi.advanceTimersByTime(1000);
    expect(lines[2]).toBe(`2 times more, last connection 1002: ${LimitIncident.STALLS.what}`);
    expect(lines).toHaveLength(3);
  });

  it('are reported at once again after a second without any, and leave no timer', () => {
    const { incidents, lines } = makeIncidents();
    incidents.add(LimitIncident.STALLS, 'connection 1');
    vi.advanceTimersByTime(1000);
    expect(vi.getTimerCount()).toBe(0);
    incidents.add(LimitIncident.STALLS, 'connection 2');
    expect(lines).toEqual([`connection 1: ${LimitIncident.STALLS.what}`, `connection 2: ${LimitIncident.STALLS.what}`]);
  });

  it('are reported with their details', () => {
    const { incidents, lines } = makeIncidents();
    incidents.add(LimitIncident.PROTOCOL_ERRORS, 'connection 1', 'frame without a mask');
    expect(lines).toEqual([`connection 1: ${LimitIncident.PROTOCOL_ERRORS.what}: frame without a mask`]);
  });

  it('whose details differ in more than numbers and quotations are kept apart', () => {
    const { incidents, lines } = makeIncidents();
    for (let i = 1; i <= 3; i++) {
      incidents.add(LimitIncident.PROTOCOL_ERRORS, `connection ${i}`, `message of ${70_000 + i} bytes`);
      incidents.add(LimitIncident.PROTOCOL_ERRORS, `connection ${i}`, 'frame without a mask');
      incidents.add(
        LimitIncident.REFUSED_HANDSHAKES,
        `connection ${i}`,
        `the key is ${JSON.stringify(`a "${'x'.repeat(i)}`)}`,
      );
    }
    vi.advanceTimersByTime(1000);
    expect(lines).toHaveLength(6);
    expect(lines.slice(3)).toEqual([
      `2 times more, last connection 3: ${LimitIncident.PROTOCOL_ERRORS.what}: message of 70003 bytes`,
      `2 times more, last connection 3: ${LimitIncident.PROTOCOL_ERRORS.what}: frame without a mask`,
      `2 times more, last connection 3: ${LimitIncident.REFUSED_HANDSHAKES.what}: the key is "a \\"xxx"`,
    ]);
  });

  it('of different kinds are kept apart', () => {
    const { incidents, lines } = makeIncidents();
    for (let i = 1; i <= 3; i++) {
      incidents.add(LimitIncident.STALLS, `connection ${i}`);
      incidents.add(LimitIncident.SHED, `connection ${i}`);
    }
    vi.advanceTimersByTime(1000);
    expect(lines).toEqual([
      `connection 1: ${LimitIncident.STALLS.what}`,
      `connection 1: ${LimitIncident.SHED.what}`,
      `2 times more, last connection 3: ${LimitIncident.STALLS.what}`,
      `2 times more, last connection 3: ${LimitIncident.SHED.what}`,
    ]);
  });

  it('are counted one by one, reported or not', () => {
    const { incidents, counters } = makeIncidents();
    for (let i = 0; i < 5; i++) incidents.add(LimitIncident.STALLS, 'connection 1');
    incidents.add(LimitIncident.REFUSED_FULL, '192.0.2.1');
    expect(counters.get(Counter.STALLS)).toBe(5);
    expect(counters.get(Counter.REFUSED_FULL)).toBe(1);
    expect(counters.get(Counter.SHED)).toBe(0);
  });

  it('have each a counter of their own, and name the option that bounds them', () => {
    const all = Object.values(LimitIncident);
    expect(new Set(all.map(({ counter }) => counter)).size).toBe(all.length);
    const withoutOption = all.filter(({ what }) => !/\b[a-z]+[A-Z]\w+/.test(what));
    // Their details name it, if there is one.
    expect(withoutOption).toEqual([
      LimitIncident.PROTOCOL_ERRORS,
      LimitIncident.REFUSED_TLS,
      LimitIncident.REFUSED_HANDSHAKES,
      LimitIncident.REFUSED_UNAVAILABLE,
    ]);
  });

  it('name no other option than those that move their counter', () => {
    for (const name of FIGURE_NAMES) {
      const { line = '', options = [] } = figureOf(name);
      for (const named of line.match(/\b(?:deflate\.)?[a-z]+[A-Z]\w+/g) ?? []) expect(options, name).toContain(named);
    }
  });
});
