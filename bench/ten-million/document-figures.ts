/** The table of what was measured. */
import { figure } from '#dist/cli/table.js';
import { markdownTable } from '../study/markdown.js';
import type { Figures, Handshake } from './figures-file.js';
import { count, percent } from './tables.js';

const HANDSHAKES: Readonly<Record<Handshake, string>> = {
  plain: 'TCP and opening handshake',
  'plain, in workers': 'the same with `--handshake worker`',
  tls: 'TCP, full handshake of TLS 1.3, and opening handshake',
  'tls resumed': 'the same with a session that is resumed',
};

const ENGINES = ` By an engine, each publication was a message of its own, and many were under way, as they are
for a primary that is nearly used up. One that has little to do takes more for each. What the sender takes without an engine is not in its figure.`;

export function measuredTable(figures: Figures): string {
  const { memory, echo, deliveries, publication, lonePublication, handshakes, heartbeatMicros, backplanes } = figures;
  const micros = (value: number) => `${figure(value)} µs`;
  const rows = [
    ...memory.map(({ isSecure, connections, serverBytes, kernelBytes }) => [
      `memory of an idle connection${tls(isSecure)}, of ${count(connections)}: server + kernel`,
      `${kilobytes(serverBytes)} + ${kilobytes(kernelBytes)}`,
    ]),
    ...handshakes.map(({ kind, micros: taken, primaryShare }) => [
      `CPU time: ${HANDSHAKES[kind]} (the primary's part)`,
      `${micros(taken)} (${percent(primaryShare)})`,
    ]),
    ['CPU time: a ping and its pong', micros(heartbeatMicros)],
    [`CPU time: a message of ${echo.bytes} B and its echo, one in flight`, micros(echo.micros)],
    ...deliveries.map(({ bytes, subscribers, isSecure, micros: taken }) => [
      `CPU time: a message of ${bytes} B to one of ${count(subscribers)} subscribers${tls(isSecure)}`,
      micros(taken),
    ]),
    ['CPU time: a publication to one subscriber in one thread, many under way', micros(publication.oneThreadMicros)],
    ['CPU time: the same with the subscriber in another thread', micros(publication.twoThreadsMicros)],
    ...(lonePublication === undefined
      ? []
      : [
          [
            'CPU time: a publication to one subscriber in one thread, one under way',
            micros(lonePublication.oneThreadMicros),
          ],
          ['CPU time: the same with the subscriber in another thread', micros(lonePublication.twoThreadsMicros)],
        ]),
    ...backplanes.map(({ engine, bytes, outMicros, inMicros, engineMicros }) => [
      `CPU time: a publication of ${bytes} B by ${engine}: the primary that sends, the one that receives, ${engine} itself`,
      [outMicros, inMicros, engineMicros].map(micros).join(', '),
    ]),
  ];
  return `${markdownTable(['', 'measured'], rows)}

The kernel's part is the socket, its file and its place in epoll: half of what the kernel's slabs grew by, because both ends of a connection
were on this machine.${backplanes.length === 0 ? '' : ENGINES}`;
}

function tls(isSecure: boolean): string {
  return isSecure ? ' with TLS' : '';
}

function kilobytes(bytes: number): string {
  return `${figure(bytes / 1000)} kB`;
}
