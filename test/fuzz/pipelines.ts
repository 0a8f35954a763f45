import { once } from 'node:events';
import { connect } from 'node:net';
import { createServer, type Server } from '../../dist/index.js';
import { Dice } from './dice.js';

/** One piece of a pipeline: a request, or bytes that are no request. */
interface Piece {
  readonly name: string;
  readonly bytes: string;
  /** The status of its answer. */
  readonly status: number;
  /** Whether nothing behind it is answered. */
  readonly isLast: boolean;
  /** Whether the answer has a length but no body. */
  readonly isHead?: boolean;
}

const request = (line: string, ...headers: readonly string[]) =>
  [`${line} HTTP/1.1`, 'Host: localhost', ...headers, '\r\n'].join('\r\n');
const HANDSHAKE = [
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const H2C = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'];

/** The pieces of pipelines. Pieces that end a pipeline come less often: see {@link pipelineOf}. */
const ORDINARY: readonly Piece[] = [
  { name: 'GET', bytes: request('GET /'), status: 200, isLast: false },
  { name: 'GET health', bytes: request('GET /healthz?x=1'), status: 200, isLast: false },
  { name: 'GET websocket', bytes: request('GET /room'), status: 426, isLast: false },
  { name: 'HEAD', bytes: request('HEAD /'), status: 200, isLast: false, isHead: true },
  { name: 'POST', bytes: `${request('POST /', 'Content-Length: 5')}hello`, status: 405, isLast: true },
  {
    name: 'POST in chunks',
    bytes: `${request('POST /', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`,
    status: 405,
    isLast: true,
  },
  { name: 'DELETE', bytes: request('DELETE /healthz'), status: 405, isLast: false },
];
const ENDS: readonly Piece[] = [
  { name: 'GET close', bytes: request('GET /', 'Connection: close'), status: 200, isLast: true },
  { name: 'h2c', bytes: request('GET /', ...H2C), status: 200, isLast: true },
  { name: 'h2c HEAD', bytes: request('HEAD /', ...H2C), status: 200, isLast: true, isHead: true },
  { name: 'h2c POST', bytes: `${request('POST /', ...H2C, 'Content-Length: 3')}abc`, status: 405, isLast: true },
  { name: 'CONNECT', bytes: request('CONNECT localhost:1'), status: 400, isLast: true },
  { name: 'websocket', bytes: request('GET /', ...HANDSHAKE), status: 101, isLast: true },
  {
    name: 'websocket 12',
    bytes: request('GET /', ...HANDSHAKE).replace('13', '12'),
    status: 426,
    isLast: true,
  },
  {
    name: 'websocket with a body',
    bytes: request('GET /', ...HANDSHAKE, 'Content-Length: 9'),
    status: 400,
    isLast: true,
  },
  { name: 'expectation', bytes: request('GET /', 'Expect: miracles'), status: 417, isLast: true },
  { name: 'no Host', bytes: 'GET / HTTP/1.1\r\n\r\n', status: 400, isLast: true },
  { name: 'nonsense', bytes: 'nonsense\r\n\r\n', status: 400, isLast: true },
  { name: 'HTTP/2', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', status: 400, isLast: true },
  { name: 'too long', bytes: `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, status: 431, isLast: true },
];

/** A pipeline, and how it is sent. */
export interface Pipeline {
  readonly pieces: readonly Piece[];
  /** Where the bytes are cut into writes. */
  readonly cuts: readonly number[];
}

export function pipelineOf(seed: number, number: number): Pipeline {
  const dice = new Dice(seed, number);
  const pieces: Piece[] = [];
  for (let left = 1 + dice.below(14); left > 0; left--) {
    const from = dice.below(6) === 0 ? ENDS : ORDINARY;
    pieces.push(from[dice.below(from.length)] as Piece);
  }
  pieces.push(ENDS[0] as Piece); // so that the connection ends
  const { length } = pieces.map(({ bytes }) => bytes).join('');
  const cuts = Array.from({ length: dice.below(5) }, () => dice.below(length)).sort((a, b) => a - b);
  return { pieces, cuts };
}

/** How many requests of a connection may be under way. Requests behind these may stay without an answer. */
const MAX_UNANSWERED = 8;
/** Longer than any pipeline takes. */
const DEADLINE_MS = 10_000;

/** A server that all pipelines are sent to. Whatever throws in it is a failure: nobody catches it here. */
export class PipelineRig {
  readonly #server: Server;
  readonly #port: number;
  readonly #lines: string[];

  private constructor(server: Server, port: number, lines: string[]) {
    this.#server = server;
    this.#port = port;
    this.#lines = lines;
  }

  static async start(): Promise<PipelineRig> {
    const lines: string[] = [];
    const note = (line: string) => void lines.push(line);
    const server = createServer({
      handler: new URL('../../dist/handlers/echo.js', import.meta.url),
      threads: 0,
      arenaBytes: 4 * 1024 * 1024,
      log: { info: () => {}, warn: note, error: note },
    });
    const { port } = await server.listen({ port: 0 });
    return new PipelineRig(server, port, lines);
  }

  /** Sends a pipeline. @returns how many answers came @throws Error if they are not the right answers in their order */
  async check({ pieces, cuts }: Pipeline): Promise<number> {
    const bytes = Buffer.from(pieces.map((piece) => piece.bytes).join(''), 'latin1');
    const answer = await this.#send(bytes, cuts);
    if (this.#lines.length > 0) throw new Error(`the server has logged: ${this.#lines.splice(0).join('; ')}`);
    const end = pieces.findIndex(({ isLast }) => isLast) + 1;
    const due = pieces.slice(0, end);
    const answered = readAnswers(answer, due);
    // A reset may discard an answer when something comes behind the last; without, all of a few must have come.
    const isShort = due.length < MAX_UNANSWERED && end === pieces.length;
    if (isShort && answered < due.length) throw new Error(`${answered} of ${due.length} answers have come`);
    return answered;
  }

  async #send(bytes: Buffer, cuts: readonly number[]): Promise<string> {
    const socket = connect(this.#port, '127.0.0.1');
    let answer = '';
    socket.on('data', (read) => {
      answer += read.toString('latin1');
      // A WebSocket is not closed by the server, unless what comes behind it is no frame.
      if (answer.includes('HTTP/1.1 101 ')) socket.end();
    });
    socket.on('error', () => {}); // 'close' follows
    const timer = setTimeout(() => socket.destroy(new Error('late')), DEADLINE_MS);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    await once(socket, 'connect');
    let from = 0;
    for (const cut of [...cuts, bytes.length]) {
      if (!socket.writable) break;
      socket.write(bytes.subarray(from, cut));
      from = cut;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    clearTimeout(timer);
    if (socket.errored?.message === 'late') throw new Error('the server neither answers nor closes');
    return answer;
  }

  /** @throws Error if connections are left */
  async close(): Promise<void> {
    for (let i = 0; i < 500; i++) {
      const { httpConnections, connections, pendingUpgrades } = this.#server.stats();
      if (httpConnections + connections + pendingUpgrades === 0) break;
      if (i === 499) throw new Error(`${httpConnections} HTTP connections and ${connections} WebSockets are left`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await this.#server.close({ drainMs: 0 });
  }
}

/** @returns how many of the right answers have come @throws Error if something else has come */
function readAnswers(answer: string, due: readonly Piece[]): number {
  let at = 0;
  for (const [i, { status, isHead = false, name }] of due.entries()) {
    if (at === answer.length) return i;
    const end = answer.indexOf('\r\n\r\n', at);
    if (end < 0) return i; // cut off
    const head = answer.slice(at, end + 2);
    const found = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
    if (found !== status)
      throw new Error(`answer ${i + 1}, to ${name}, is ${JSON.stringify(head.slice(0, 100))}, not ${status}`);
    at = end + 4;
    if (status === 101) return i + 1; // frames follow
    if (!/^content-type: /im.test(head)) throw new Error(`answer ${i + 1}, to ${name}, has no Content-Type`);
    const length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1]);
    if (Number.isNaN(length)) throw new Error(`answer ${i + 1}, to ${name}, has no length`);
    if (!isHead) at += length;
    if (at > answer.length) return i; // cut off
  }
  if (at < answer.length) throw new Error(`${answer.length - at} bytes follow the last answer that is due`);
  return due.length;
}
