import { UNEXPECTED } from '../load/failures.js';
import type { LoadProgress } from '../load/load-options.js';
import { type LoadResult, SATURATED } from '../load/load-result.js';

/** How rates are written: `12,300`. */
const PER_SECOND = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const MEGA = 1e6;

/** Shows how far the load is, in one line that overwrites the one before. */
export function showProgress({ phase, elapsedMs, durationMs, open, messages, errors }: LoadProgress): void {
  const seconds = (elapsedMs / 1000).toFixed(0);
  const of = Number.isFinite(durationMs) ? ` of ${(durationMs / 1000).toFixed(0)}` : '';
  const rate = phase === 'measuring' && messages > 0 ? `, ${PER_SECOND.format((messages / elapsedMs) * 1000)}/s` : '';
  const wrong = errors > 0 ? `, ${errors} errors` : '';
  process.stderr.write(`\r\x1b[K${phase}: ${seconds}${of} s, ${open} connections${rate}${wrong}`);
}

export function clearProgress(): void {
  process.stderr.write('\r\x1b[K');
}

/** A table for people. */
export function renderReport(result: LoadResult): string {
  const { title, mode } = result;
  const rows: (readonly [name: string, ...values: string[]])[] = [
    ...(mode === 'connect' ? [connectRow(result)] : []),
    ...(mode === 'echo' || mode === 'broadcast' ? messageRows(result) : []),
    ...latencyRows(result),
    connectionsRow(result),
    ...compressionRows(result),
    ...countRows('closed with', result.closes),
    ...countRows('errors', result.errorsByKind),
    clientRow(result),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, ...values]) => `  ${name.padEnd(width)}  ${values.join('  ')}`);
  return [...(title === undefined ? [] : [title]), describe(result), '', ...lines, ''].join('\n');
}

/** Reasons not to believe the figures. */
export function warnings({ client, mode, errorsByKind }: LoadResult): string[] {
  if (errorsByKind[UNEXPECTED] !== undefined) return []; // these messages kept the client busy
  if (client.utilization < SATURATED || client.microsPerMessage === 0) return [];
  const percent = Math.round(client.utilization * 100);
  // In broadcast there is one thread, and no more.
  const advice = mode === 'broadcast' ? '' : '. Give it more threads (-w) and cores';
  return [
    `the client was the bottleneck: its event loop was busy ${percent} % of the time, and the server could do more${advice}`,
  ];
}

function describe({ url, mode, options, duration }: LoadResult): string {
  const { sizeBytes, isBinary, connections, inFlight, workers } = options;
  const what = `${sizeBytes} bytes of ${isBinary ? 'binary' : 'text'}, ${inFlight} in flight`;
  const load = mode === 'connect' || mode === 'idle' ? '' : `, ${what}`;
  const threads = workers === 1 ? '1 thread' : `${workers} threads`;
  return `${mode} at ${url}: ${connections} connections${load}, ${duration.toFixed(2)} s, ${threads}`;
}

function messageRows({ messages, throughput }: LoadResult): (readonly [string, string])[] {
  return [
    ['messages/s', `${PER_SECOND.format(messages.average)} (${PER_SECOND.format(messages.total)} in all)`],
    ['MB/s', `${(throughput.average / MEGA).toFixed(2)} (payload, one way)`],
  ];
}

function connectRow({ connections }: LoadResult): readonly [string, string] {
  return ['connections/s', PER_SECOND.format(connections.average)];
}

function latencyRows({ latency, options }: LoadResult): (readonly [string, ...string[]])[] {
  if (options.expect === 'none' && latency.max === 0) return [];
  const { p50, p90, p99, p99_9, max, average } = latency;
  const columns = { p50, p90, p99, 'p99.9': p99_9, max, average };
  return [
    ['', ...Object.keys(columns).map((name) => name.padStart(9))],
    ['latency, ms', ...Object.values(columns).map((ms) => ms.toFixed(3).padStart(9))],
  ];
}

function connectionsRow({ connections: { opened, failed, lost } }: LoadResult): readonly [string, string] {
  return ['connections', `${opened} opened, ${failed} failed, ${lost} lost`];
}

function compressionRows({ mode, compression, options: { sizeBytes } }: LoadResult): (readonly [string, string])[] {
  if (compression === undefined) return [];
  const { connections, sentBytes, answerBytes } = compression;
  if (connections === 0) return [['compression', 'the server has declined it']];
  if (mode === 'idle' || mode === 'connect') return [['compression', `agreed on for ${connections} connections`]];
  const sent = sentBytes === sizeBytes ? 'sent as it is' : `${percent(sentBytes, sizeBytes)} sent`;
  const answered = answerBytes === 0 ? '' : `, ${percent(answerBytes, sizeBytes)} received`;
  return [['compression', `${sent}${answered}, on ${connections} connections`]];
}

function percent(bytes: number, of: number): string {
  return `${bytes} bytes (${((100 * bytes) / of).toFixed(1)} %)`;
}

function countRows(name: string, counts: Readonly<Record<string, number>>): (readonly [string, string])[] {
  const entries = Object.entries(counts);
  if (entries.length === 0) return [[name, 'none']];
  return entries.map(([kind, count], i) => [i === 0 ? name : '', `${count} × ${kind}`]);
}

function clientRow({ client: { utilization, cpu, microsPerMessage } }: LoadResult): readonly [string, string] {
  const busy = `event loop ${Math.round(utilization * 100)} % busy`;
  return ['this client', `${busy}, ${cpu.toFixed(2)} cores, ${microsPerMessage.toFixed(2)} us of CPU a message`];
}
