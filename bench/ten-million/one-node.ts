/** What one node carries of a single thing, while it does nothing else. */
import { figure } from '#dist/cli/table.js';
import { markdownTable } from '../study/markdown.js';
import { type Costs, connectionsOf } from './arithmetic.js';
import { IDLE, NODE } from './assumptions.js';
import { costsOf } from './costs.js';
import type { Figures } from './figures-file.js';
import { count } from './tables.js';
import { frameHeaderBytes, onWire } from './wire.js';

const MICROS = 1e-6;

export function oneNode(figures: Figures): string {
  const [plain, secure] = [costsOf(figures, 'plain'), costsOf(figures, 'tls')];
  const hasWorkers = figures.handshakes.some(({ kind }) => kind === 'plain, in workers');
  const cpu = NODE.cores * NODE.cpuShare;
  const delivery = (bytes: number) => plain.deliveryMicros + bytes * plain.deliveryMicrosPerByte;
  const perCpu = (micros: number) => rate(cpu / (micros * MICROS));
  const rows = [
    ['idle connections, by memory', kilobytes(bytesOf(plain)), million(connectionsByMemory(plain))],
    ['idle connections with TLS, by memory', kilobytes(bytesOf(secure)), million(connectionsByMemory(secure))],
    ['connections, by descriptors', '1', million(connectionsOf(NODE.descriptors))],
    [
      `silent connections, by CPU time for a ping every ${IDLE.heartbeatSeconds} s`,
      `${figure(plain.heartbeatMicros)} µs`,
      million((cpu * IDLE.heartbeatSeconds) / (plain.heartbeatMicros * MICROS)),
    ],
    ...[100, 1024].flatMap((bytes) => [
      [`deliveries of ${bytes} B, by CPU time`, `${figure(delivery(bytes))} µs`, perCpu(delivery(bytes))],
      [`deliveries of ${bytes} B, by network`, `${wireOf(bytes)} B`, rate(networkBits() / (8 * wireOf(bytes)))],
    ]),
    ['handshakes, by the primary', ...byPrimary(plain.handshakePrimaryMicros)],
    ['handshakes, by CPU time', `${figure(handshakeMicros(plain))} µs`, perCpu(handshakeMicros(plain))],
    ...(hasWorkers ? inWorkers(costsOf(figures, 'plain, in workers')) : []),
    ['handshakes with TLS, by the primary', ...byPrimary(secure.handshakePrimaryMicros)],
    ['handshakes with TLS, by CPU time', `${figure(handshakeMicros(secure))} µs`, perCpu(handshakeMicros(secure))],
    ['publications to the engine, by the primary', ...byPrimary(plain.backplaneOutMicros)],
    ['publications from the engine, by the primary', ...byPrimary(plain.backplaneInMicros)],
  ];
  return `Each line is alone on a node with one process, and takes what ordinary load may take of it. With several processes there are as many primaries,
and as many times the descriptors.

${markdownTable(['', 'each takes', 'a node carries'], rows)}`;
}

function inWorkers(costs: Costs): string[][] {
  return [['handshakes with `--handshake worker`, by the primary', ...byPrimary(costs.handshakePrimaryMicros)]];
}

function byPrimary(micros: number): [string, string] {
  return [`${figure(micros)} µs`, rate(NODE.primaryShare / (micros * MICROS))];
}

function bytesOf(costs: Costs): number {
  return costs.serverBytesPerConnection + costs.kernelBytesPerConnection + IDLE.applicationBytes;
}

function connectionsByMemory(costs: Costs): number {
  return (NODE.memoryBytes * NODE.memoryShare) / bytesOf(costs);
}

function handshakeMicros(costs: Costs): number {
  return costs.handshakePrimaryMicros + costs.handshakeWorkerMicros;
}

function wireOf(bytes: number): number {
  return onWire(frameHeaderBytes(bytes) + bytes);
}

function networkBits(): number {
  return NODE.gigabitsPerSecond * 1e9 * NODE.networkShare;
}

function kilobytes(bytes: number): string {
  return `${figure(bytes / 1000)} kB`;
}

/** With two digits that count: more would say that the assumptions are as good as that. */
function million(value: number): string {
  return `${Number((value / 1e6).toPrecision(2))} million`;
}

function rate(perSecond: number): string {
  return `${count(Number(perSecond.toPrecision(2)))} a second`;
}
