/** The process of the servers: one with threads, and one without. It obeys the process of the clients. */
import { readdirSync } from 'node:fs';
import { getHeapSnapshot } from 'node:v8';
import koffi from 'koffi';
import { createServer, type Logger, type Server } from '../../dist/index.js';
import { ATTACKED, MAX_BACKPRESSURE_BYTES, MAX_PAYLOAD_BYTES } from './limits.js';
import type { Answer, Measured, Ready, Request } from './protocol.js';

/** Log lines that the load causes. */
const EXPECTED_LINES = [
  /a worker died with \d+ connections/,
  /on demand/,
  /violated the protocol or a limit of messages/,
  /took too little of what they were sent/,
  /opening handshake/,
  /reload/i,
  /maxConnectionsPerIp/,
  /stallTimeoutMs/,
  /handshakeTimeoutMs/,
  /a worker does not take connections/,
  /no worker takes connections/,
  /maxOwedBytes/,
  /slow/,
];

const unexpectedLines: string[] = [];
const note = (line: string) => {
  if (!EXPECTED_LINES.some((expected) => expected.test(line))) unexpectedLines.push(line);
};
const log: Logger = { info: note, warn: note, error: note };

/** Not every version of the server has it. */
interface Reloadable {
  reload?: (options: { readonly drainMs: number }) => Promise<void>;
}

const RELOAD_DRAIN_MS = 2000;

const servers = [2, 0].map((threads) =>
  createServer({
    handler: new URL('./handler.js', import.meta.url),
    threads,
    arenaBytes: 16 * 1024 * 1024,
    maxPayloadBytes: MAX_PAYLOAD_BYTES,
    maxBackpressureBytes: MAX_BACKPRESSURE_BYTES,
    highWaterMarkBytes: 256 * 1024,
    ...ATTACKED,
    log,
  }),
);

/** Gives freed memory that glibc keeps back to the system, for all threads. Memory that is still resident then is in use. */
const trim =
  process.platform === 'linux'
    ? (koffi.load(null).func('int malloc_trim(size_t pad)') as (pad: number) => number)
    : undefined;

async function measure(): Promise<Measured> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  trim?.(0);
  const residentBytes = process.memoryUsage.rss();
  const heapBytes = await heapWithoutCode();
  const descriptors = readdirSync('/proc/self/fd').length;
  return { descriptors, heapBytes, residentBytes, unexpectedLines };
}

/** The part of a heap snapshot that is needed here: the kind and the size of each node are among its fields. */
interface Snapshot {
  readonly snapshot: {
    readonly meta: { readonly node_fields: readonly string[]; readonly node_types: readonly [readonly string[]] };
  };
  readonly nodes: readonly number[];
}

/**
 * The size of all living objects on the heap, in bytes, without compiled code. Each reload adds compiled code: it loads a module that
 * cannot be unloaded, and its functions are compiled again.
 */
async function heapWithoutCode(): Promise<number> {
  const parts: Buffer[] = [];
  for await (const part of getHeapSnapshot()) parts.push(Buffer.from(part as Buffer));
  const { snapshot, nodes } = JSON.parse(Buffer.concat(parts).toString()) as Snapshot;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [kind, size] = [fields.indexOf('type'), fields.indexOf('self_size')];
  const code = types[0].indexOf('code');
  let bytes = 0;
  for (let node = 0; node < nodes.length; node += fields.length) {
    if (nodes[node + kind] !== code) bytes += nodes[node + size] as number;
  }
  return bytes;
}

async function answer({ id, what }: Request): Promise<Answer> {
  if (what === 'measure') return { id, measured: await measure() };
  if (what === 'reload') {
    await Promise.all(servers.map((server: Server & Reloadable) => server.reload?.({ drainMs: RELOAD_DRAIN_MS })));
  }
  if (what === 'close') await Promise.all(servers.map((server) => server.close()));
  return { id, stats: servers.map((server) => server.stats()) };
}

process.on('message', async (request: Request) => {
  const answered = await answer(request).catch((error: unknown): Answer => ({ id: request.id, error: String(error) }));
  process.send?.(answered);
});
process.on('disconnect', () => process.exit());

const [threaded, single] = await Promise.all(servers.map((server) => server.listen({ port: 0 })));
const ready: Ready = {
  ports: [threaded?.port ?? 0, single?.port ?? 0],
  canReload: typeof (servers[0] as Server & Reloadable).reload === 'function',
};
process.send?.(ready);
