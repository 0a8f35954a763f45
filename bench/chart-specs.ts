import { CONFIG, INK, SCHEMA } from './chart-style.js';
import { UNCOMPRESSED } from './contestants.js';
import { ratiosTo } from './report.js';
import type { Results } from './results.js';
import type { CaseResult } from './sections/throughput.js';

/** Colours that differ from white, from black, and from each other, also for people who do not see red and green apart. */
const COLOURS = {
  wsloom: '#e8590c',
  'wsloom small': '#f4a261',
  Bun: '#4c8dd6',
  Deno: '#2a9d8f',
  uWebSockets: '#b072d1',
  floor: '#8d96a0',
  'ws level 2': '#5c677d',
} as const;
const REFERENCE = 'ws';

/** A Vega-Lite chart of how fast each server is, in proportion to ws. Undefined without ws. */
export function throughputChart({ throughput, isPinned }: Results): object | undefined {
  return ratioChart(throughput, `Messages per second${isPinned ? ' of one core' : ''}, ws with bufferutil = 1`);
}

/** The same with TLS. */
export function wssChart({ tls, isPinned }: Results): object | undefined {
  const title = `Messages per second${isPinned ? ' of one core' : ''} over TLS, ws with bufferutil on node:https = 1`;
  return ratioChart(tls.throughput, title);
}

/** The same of compressed messages. */
export function deflateChart({ deflate, isPinned }: Results): object | undefined {
  const title = `Compressed messages per second${isPinned ? ' of one core' : ''}, ws with bufferutil at its defaults = 1`;
  const compressing = deflate.throughput.map((result) => ({
    ...result,
    scores: result.scores.filter(({ server }) => !server.endsWith(UNCOMPRESSED)),
  }));
  return ratioChart(compressing, title);
}

function ratioChart(throughput: readonly CaseResult[], title: string): object | undefined {
  const values = throughput.flatMap((result) =>
    // A server that carried nothing has no place on a logarithmic axis.
    ratiosTo(result, REFERENCE)
      .filter(({ value }) => value > 0 && Number.isFinite(value))
      .map(({ server, value, isOfCpuTime }) => ({
        case: result.case.name,
        server,
        ratio: value,
        label: `${value < 10 ? value.toPrecision(2) : Math.round(value)}${isOfCpuTime ? '*' : ''}`,
      })),
  );
  if (values.length === 0) return undefined;
  const colours = Object.entries(COLOURS).filter(([name]) => values.some(({ server }) => server === name));
  const servers = colours.map(([name]) => name);
  const y = {
    field: 'case',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { ticks: false, domain: false, labelPadding: 8, labelLimit: 0 },
  };
  const yOffset = { field: 'server', sort: servers };
  const x = { field: 'ratio', type: 'quantitative', scale: { type: 'log' } };
  const color = { field: 'server', scale: { domain: servers, range: colours.map(([, colour]) => colour) } };
  const isRight = 'datum.ratio >= 1';
  const text = { x, text: { field: 'label' }, color: { value: INK } };
  return {
    $schema: SCHEMA,
    title: {
      text: title,
      subtitle: 'connections x size, in flight. * by CPU time per message: the client was the limit',
    },
    width: 560,
    height: { step: 12 },
    data: { values },
    config: { ...CONFIG, scale: { bandWithNestedOffsetPaddingInner: 0.25, bandWithNestedOffsetPaddingOuter: 0.1 } },
    encoding: { y, yOffset },
    layer: [
      {
        mark: { type: 'bar', cornerRadius: 1 },
        encoding: {
          x: { ...x, title: 'times as fast as ws (logarithmic)', axis: { tickCount: 8, format: '~g' } },
          x2: { datum: 1 },
          color,
        },
      },
      {
        transform: [{ filter: isRight }],
        mark: { type: 'text', align: 'left', dx: 4, fontSize: 9, baseline: 'middle' },
        encoding: text,
      },
      {
        transform: [{ filter: `!(${isRight})` }],
        mark: { type: 'text', align: 'right', dx: -4, fontSize: 9, baseline: 'middle' },
        encoding: text,
      },
      { mark: { type: 'rule', color: INK }, encoding: { x: { datum: 1 }, y: null, yOffset: null } },
    ],
  };
}

/** A Vega-Lite chart of the latency of HTTP under WebSocket load. Undefined if that was not measured. */
export function httpChart({ http, machine }: Results): object | undefined {
  const values = http
    .filter(({ isUnderLoad }) => isUnderLoad)
    .map(({ threads, connections, p99Ms }) => ({
      connections: `${connections} connections`,
      server: threads === 0 ? 'without workers (--threads 0)' : `pool of ${threads} (--threads ${threads})`,
      p99Ms,
      label: `${p99Ms.toPrecision(2)} ms`,
    }));
  if (values.length === 0) return undefined;
  const servers = [...new Set(values.map(({ server }) => server))];
  const y = {
    field: 'connections',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { ticks: false, domain: false, labelPadding: 8 },
  };
  const x = { field: 'p99Ms', type: 'quantitative', title: 'p99 of GET /healthz, ms', axis: { tickCount: 6 } };
  const color = { field: 'server', scale: { domain: servers, range: [COLOURS.floor, COLOURS.wsloom] } };
  return {
    $schema: SCHEMA,
    title: {
      text: 'HTTP while WebSockets keep the server busy',
      subtitle: `99 of 100 requests are answered within; the server and both loads share ${machine.cores} cores`,
    },
    width: 560,
    height: { step: 20 },
    data: { values },
    config: CONFIG,
    encoding: { y, yOffset: { field: 'server', sort: servers }, x },
    layer: [
      { mark: { type: 'bar', cornerRadius: 1 }, encoding: { color } },
      {
        mark: { type: 'text', align: 'left', dx: 4, fontSize: 11, baseline: 'middle' },
        encoding: { text: { field: 'label' }, color: { value: INK } },
      },
    ],
  };
}
