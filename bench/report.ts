import { figure, table } from '#dist/cli/table.js';
import { showBytes } from './cases.js';
import type { Results } from './results.js';
import type { CaseResult, Score } from './sections/throughput.js';
import { type Ratio, ratio, type Speed } from './statistics.js';

/** The servers that the others are compared with. */
const REFERENCES = ['ws', 'Bun', 'floor'];

/** All results as text for people. */
export function report(results: Results): string {
  const parts = [heading(results)];
  if (results.throughput.length > 0) parts.push(throughputTable(results));
  if (results.connections.length > 0) parts.push(connectionsTable(results));
  if (results.scaling.length > 0) parts.push(scalingTable(results));
  if (results.http.length > 0) parts.push(httpTable(results));
  if (results.kernels.length > 0) parts.push(kernelsTable(results));
  if (results.failures.length > 0) parts.push(['Not measured, or with errors:', ...results.failures].join('\n  '));
  return `${parts.join('\n\n')}\n`;
}

function heading({ date, commit, machine, versions, isQuick }: Results): string {
  const { cpu, cores, memoryGiB, kernel, node } = machine;
  return [
    `${date}, commit ${commit}${isQuick ? ': a quick run, whose figures are only a hint' : ''}`,
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${kernel}, Node ${node}`,
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

function throughputTable({ throughput, isPinned, rounds, seconds }: Results): string {
  const present = REFERENCES.filter((name) => throughput.some(({ scores }) => scores.some((s) => s.server === name)));
  const rows = throughput.flatMap((result) =>
    result.scores.map((score, i) => {
      const { server, medians } = score;
      return [
        i === 0 ? result.case.name : '',
        server,
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
  const head = ['case', 'server', 'messages/s', 'MB/s', 'p50 ms', 'p99 ms', 'CPU ', 'CPU µs/message'];
  const title = isPinned
    ? 'Throughput, the server on a core of its own, the load on another'
    : 'Throughput, server and load on all cores: nothing could be bound to one';
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

function connectionsTable({ connections }: Results): string {
  const rows = connections.map(({ server, connections: count, perSecond, bytesPerConnection }) => [
    server,
    String(count),
    figure(perSecond),
    figure(bytesPerConnection / 1024),
  ]);
  return ['Connections', table(['server', 'connections', 'opened/s', 'KiB each, idle'], rows)].join('\n');
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
