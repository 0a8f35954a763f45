import { figure, table } from '#dist/cli/table.js';
import { showBytes } from './cases.js';
import { UNCOMPRESSED } from './contestants.js';
import { processorText } from './machine.js';
import type { Results } from './results.js';
import { scaleTable } from './scale-table.js';
import type { ConnectionsResult } from './sections/connections.js';
import { DEFLATE_IDLE, DEFLATE_THROUGHPUT_ROUNDS } from './sections/deflate.js';
import { STREAM } from './sections/storms.js';
import type { CaseResult, Score } from './sections/throughput.js';
import { TLS_THROUGHPUT_ROUNDS } from './sections/tls.js';
import { type Ratio, ratio, type Speed } from './statistics.js';

/** The servers that the others are compared with. */
const REFERENCES = ['ws', 'Bun', 'floor'];
const DEFLATE_REFERENCES = ['ws', 'ws level 2', 'Bun', 'uWebSockets'];

/** All results as text for people. */
export function report(results: Results): string {
  const parts = [heading(results)];
  const { rounds, tls, deflate } = results;
  if (results.throughput.length > 0) parts.push(throughputTable('Throughput', results.throughput, results, rounds));
  if (results.connections.length > 0) parts.push(connectionsTable('Connections', results.connections));
  if (tls.throughput.length > 0) {
    const most = Math.min(rounds, TLS_THROUGHPUT_ROUNDS);
    parts.push(throughputTable('Throughput with TLS 1.3', tls.throughput, results, most));
  }
  if (tls.handshakes.length > 0) parts.push(handshakesTable(results));
  if (tls.connections.length > 0) parts.push(connectionsTable('Connections with TLS', tls.connections));
  if (deflate.throughput.length > 0) {
    const most = Math.min(rounds, DEFLATE_THROUGHPUT_ROUNDS);
    parts.push(throughputTable('Throughput of compressed JSON', deflate.throughput, results, most, DEFLATE_REFERENCES));
  }
  if (deflate.connections.length > 0) parts.push(windowsTable(deflate.connections));
  if (results.storms.length > 0) parts.push(stormsTable(results));
  if (results.scrapes.length > 0) parts.push(scrapesTable(results));
  if (results.scale.cases.length > 0) parts.push(scaleTable(results));
  if (results.scaling.length > 0) parts.push(scalingTable(results));
  if (results.http.length > 0) parts.push(httpTable(results));
  if (results.kernels.length > 0) parts.push(kernelsTable(results));
  if (results.failures.length > 0) parts.push(['Not measured, or with errors:', ...results.failures].join('\n  '));
  return `${parts.join('\n\n')}\n`;
}

function heading({ date, commit, machine, versions, isQuick }: Results): string {
  const { cores, memoryGiB, kernel, node } = machine;
  return [
    `${date}, commit ${commit}${isQuick ? ': a quick run, whose figures are only a hint' : ''}`,
    `${processorText(machine)}, ${cores} cores, ${memoryGiB} GiB, ${kernel}, Node ${node}`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`.trim())
      .join(', '),
  ].join('\n');
}

/** How many times as fast each other server of a case is as the reference; empty if the reference was not measured. */
export function ratiosTo({ scores }: CaseResult, reference: string): (Ratio & { readonly server: string })[] {
  const base = scores.find(({ server }) => server === reference);
  if (base === undefined) return [];
  return scores
    .filter((score) => score !== base)
    .map((score) => ({ server: score.server, ...ratio(speedOf(score), speedOf(base)) }));
}

function speedOf({ medians, isClientBound }: Score): Speed {
  const { perSecond, microsPerMessage } = medians;
  return { perSecond, microsPerMessage, isClientBound };
}

function ratioCell({ server }: Score, result: CaseResult, reference: string): string {
  const found = ratiosTo(result, reference).find((other) => other.server === server);
  return found === undefined ? '' : `${figure(found.value)}${found.isOfCpuTime ? '*' : ' '}`;
}

function markOf({ isDisturbed, isClientBound }: Score): string {
  if (isDisturbed) return '!';
  return isClientBound ? '*' : ' ';
}

function throughputTable(
  what: string,
  throughput: readonly CaseResult[],
  { isPinned, seconds }: Results,
  rounds: number,
  references = REFERENCES,
): string {
  const present = references.filter((name) => throughput.some(({ scores }) => scores.some((s) => s.server === name)));
  const isCompressed = references === DEFLATE_REFERENCES;
  const rows = throughput.flatMap((result) =>
    result.scores.map((score, i) => {
      const { server, medians } = score;
      return [
        i === 0 ? result.case.name : '',
        server,
        ...(isCompressed ? [medians.compressionRatio.toFixed(3)] : []),
        figure(medians.perSecond),
        figure(medians.bytesPerSecond / 1e6),
        figure(medians.p50Micros / 1000),
        figure(medians.p99Micros / 1000),
        `${medians.cpu.toFixed(2)}${markOf(score)}`,
        figure(medians.microsPerMessage),
        ...present.map((reference) => ratioCell(score, result, reference)),
      ];
    }),
  );
  const head = [
    'case',
    'server',
    ...(isCompressed ? ['ratio'] : []),
    'messages/s',
    'MB/s',
    'p50 ms',
    'p99 ms',
    'CPU ',
    'CPU µs/message',
  ];
  const title = isPinned
    ? `${what}, the server on a core of its own, the load on another`
    : `${what}, server and load on all cores: nothing could be bound to one`;
  const lines = [
    `${title} (medians of ${rounds} x ${seconds} s)`,
    table([...head, ...present.map((name) => `to ${name}`)], rows),
  ];
  if (throughput.some(({ scores }) => scores.some(({ isClientBound }) => isClientBound))) {
    lines.push(
      '* CPU time per message is compared, not messages/s: the client was the limit, and the server had time left',
    );
  }
  if (throughput.some(({ scores }) => scores.some(({ isDisturbed }) => isDisturbed))) {
    lines.push('! something else had a part of the cores of server and client: measure again');
  }
  return lines.join('\n');
}

function connectionsTable(title: string, connections: readonly ConnectionsResult[]): string {
  const rows = connections.map(({ server, connections: count, perSecond, bytesPerConnection }) => [
    server,
    String(count),
    figure(perSecond),
    figure(bytesPerConnection / 1024),
  ]);
  return [title, table(['server', 'connections', 'opened/s', 'KiB each, idle'], rows)].join('\n');
}

/** What windows take: the memory of idle connections above that of the same server without compression. */
function windowsTable(connections: readonly ConnectionsResult[]): string {
  const memory = new Map(connections.map(({ server, bytesPerConnection }) => [server, bytesPerConnection]));
  const above = (server: string) => {
    const plain = memory.get(`${server} ${UNCOMPRESSED}`);
    return plain === undefined ? undefined : (memory.get(server) ?? Number.NaN) - plain;
  };
  const reference = above('ws');
  const rows = connections.map(({ server, connections: count, bytesPerConnection }) => {
    const bytes = above(server);
    return [
      server,
      String(count),
      figure(bytesPerConnection / 1024),
      bytes === undefined ? '' : figure(bytes / 1024),
      bytes === undefined || reference === undefined ? '' : figure(bytes / reference),
    ];
  });
  return [
    `Idle connections with context takeover, after ${DEFLATE_IDLE.deflate.messagesEach} messages of ${showBytes(DEFLATE_IDLE.bytes)} on each`,
    table(['server', 'connections', 'KiB each', 'above uncompressed', 'to ws'], rows),
  ].join('\n');
}

function handshakesTable({ tls, machine }: Results): string {
  const ws = tls.handshakes.find(({ server }) => server === 'ws');
  const rows = tls.handshakes.map(({ server, threads, full, resumed }) => [
    server,
    String(threads),
    ...[
      { figures: full, reference: ws?.full },
      { figures: resumed, reference: ws?.resumed },
    ].flatMap(({ figures, reference }) => [
      figure(figures.perCoreSecond),
      reference === undefined ? '' : figure(figures.perCoreSecond / reference.perCoreSecond),
      figure(figures.perSecond),
      percent(figures.firstThreadShare),
    ]),
  ]);
  const columns = ['to ws', 'opened/s', '1st thread'];
  return [
    'Connections opened with TLS 1.3: a full handshake, and a session that is resumed. Per core is by the CPU time of the server.',
    `With 2 threads, server and load share the ${machine.cores} cores of this machine`,
    table(['server', 'threads', 'full, per core', ...columns, 'resumed, per core', ...columns], rows),
  ].join('\n');
}

function stormsTable({ storms, machine }: Results): string {
  const rows = storms.map(({ handshake, threads, first, again, stream }) => {
    const base = storms.find((other) => other.threads === threads && other.handshake === 'primary');
    return [
      `--handshake ${handshake}`,
      String(threads),
      figure(first.seconds),
      figure(again.seconds),
      figure(first.cpuMicros),
      figure(again.cpuMicros),
      figure(stream.cpuMicros),
      figure(stream.perCoreSecond),
      base === undefined ? '' : figure(stream.perCoreSecond / base.stream.perCoreSecond),
      figure(stream.perSecond),
      percent(stream.firstThreadShare),
    ];
  });
  const [count = 0] = storms.map(({ connections }) => connections);
  return [
    `Storms of ${count} connections at once without TLS: all are open after so many seconds, at a new server and then again; and the`,
    `same number in a stream, ${STREAM} at a time. With 2 threads, server and load share the ${machine.cores} cores of this machine`,
    table(
      [
        ...['wsloom', 'threads', 'first, s', 'again, s', 'first, CPU µs', 'again, CPU µs', 'stream, CPU µs'],
        ...['per core', 'to primary', 'opened/s', '1st thread'],
      ],
      rows,
    ),
  ].join('\n');
}

function scrapesTable({ scrapes }: Results): string {
  const rows = scrapes.map(({ connections, threads, bytes, firstMs, medianMs, longestMs, echoMs, quietEchoMs }) => [
    String(threads),
    String(connections),
    figure(bytes / 1024),
    ...[firstMs, medianMs, longestMs, echoMs, quietEchoMs].map(figure),
  ]);
  return [
    'The metrics, asked for by HTTP, of a server with idle connections: from the request to the whole answer, and the longest echo of a',
    'connection meanwhile, and in as much time without a scrape (medians)',
    table(
      ['threads', 'connections', 'KiB', 'first, ms', 'median, ms', 'longest, ms', 'echo, ms', 'echo without, ms'],
      rows,
    ),
  ].join('\n');
}

function percent(part: number): string {
  return `${(part * 100).toFixed(0)} %`;
}

function scalingTable({ scaling, machine }: Results): string {
  const rows = scaling.map((result) => {
    const one = scaling.find((other) => other.case === result.case && other.threads === 1);
    const { threads, perSecond, cpu } = result;
    const times = one === undefined ? '' : figure(perSecond / one.perSecond);
    return [result.case, String(threads), figure(perSecond), cpu.toFixed(2), times];
  });
  return [
    `Scaling of wsloom: server and load share the ${machine.cores} cores of this machine`,
    table(['case', '--threads', 'messages/s', 'CPU', 'to 1 thread'], rows),
  ].join('\n');
}

function httpTable({ http }: Results): string {
  const rows = http.map(({ threads, connections, isUnderLoad, requestsPerSecond, p50Ms, p99Ms, messagesPerSecond }) => [
    `--threads ${threads}`,
    String(connections),
    isUnderLoad ? figure(messagesPerSecond) : 'none',
    figure(requestsPerSecond),
    figure(p50Ms),
    figure(p99Ms),
  ]);
  return [
    'GET /healthz of wsloom, on a few connections, without and with WebSocket load (echo of 16 KiB)',
    table(['', 'connections', 'messages/s', 'requests/s', 'p50 ms', 'p99 ms'], rows),
  ].join('\n');
}

function kernelsTable({ kernels }: Results): string {
  const names = [...new Set(kernels.map(({ kernel }) => kernel))];
  const lines = new Map<string, string[]>();
  for (const { operation, bytes, nanosPerCall } of kernels) {
    const title = `${operation} ${showBytes(bytes)}`;
    lines.set(title, [...(lines.get(title) ?? [title]), figure(nanosPerCall)]);
  }
  return ['Kernels, ns per call', table(['', ...names], [...lines.values()])].join('\n');
}
