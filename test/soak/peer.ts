import { expectBytes } from '../e2e/pattern.js';
import { closeStatus, type Frame, Opcode, RawClient } from '../e2e/raw-client.js';
import type { World } from './world.js';

/** More than anything takes that a client waits for, in ms. */
const PATIENCE_MS = 30_000;

/** The connection has ended with a worker that crashed, or because of a reload. */
export class Disrupted extends Error {}

/** The server has made an error. */
export class Wrong extends Error {
  readonly kind: string;

  constructor(kind: string, message: string) {
    super(message);
    this.kind = kind;
  }
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Wrong('timeout', `${what}: nothing for ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A client that knows which ends are to be expected. Dropped at the end of its block. */
export class Peer implements Disposable {
  readonly client: RawClient;
  readonly #world: World;
  readonly #marks: readonly [crashes: number, reloads: number];
  /** Payloads of pings that were sent, as hex. */
  readonly #pings: string[] = [];

  private constructor(client: RawClient, world: World, marks: readonly [number, number]) {
    this.client = client;
    this.#world = world;
    this.#marks = marks;
  }

  /** Connects and is accepted. @param early is sent with the request. */
  static async open(world: World, early?: Uint8Array): Promise<Peer> {
    const { target, tally } = world;
    const marks = [target.crashes.mark, target.reloads.mark] as const;
    const client = await within(RawClient.upgrading(target.port, '/', early), 'connect');
    const peer = new Peer(client, world, marks);
    const response = await within(Promise.race([client.response, client.closed.then(() => 'lost')]), 'upgrade');
    if (!response.startsWith('HTTP/1.1 101 ')) {
      client.socket.destroy();
      throw peer.isDisrupted ? new Disrupted() : new Wrong('refused', response.slice(0, 100));
    }
    tally.connections++;
    return peer;
  }

  /** Whether a crash or a reload may have ended it. */
  get isDisrupted(): boolean {
    const { crashes, reloads } = this.#world.target;
    return crashes.since(this.#marks[0]) || reloads.since(this.#marks[1]);
  }

  ping(payload: Uint8Array): void {
    this.#pings.push(Buffer.from(payload).toString('hex'));
    this.client.frame(Opcode.PING, payload);
  }

  /** The next frame that is not a pong. */
  async frame(): Promise<Frame> {
    for (;;) {
      let frame: Frame;
      try {
        frame = await within(this.client.next(), 'frame');
      } catch (error) {
        if (error instanceof Wrong) throw error;
        if (this.isDisrupted) throw new Disrupted();
        throw new Wrong('lost', (error as Error).message);
      }
      if (frame.opcode === Opcode.PONG) this.#onPong(frame);
      else if (frame.opcode === Opcode.PING) this.client.frame(Opcode.PONG, frame.payload);
      else return frame;
    }
  }

  /** Waits for the next message, which must be this one. */
  async message(payload: Uint8Array, mayBeText = true): Promise<void> {
    const frame = await this.frame();
    if (frame.opcode === Opcode.CLOSE) throw this.unexpectedClose(frame);
    this.expect(frame, payload, mayBeText);
  }

  /** Checks a message. */
  expect(frame: Frame, payload: Uint8Array, mayBeText = false): void {
    if (
      !frame.fin ||
      frame.opcode < Opcode.TEXT ||
      frame.opcode > Opcode.BINARY ||
      (frame.opcode === Opcode.TEXT && !mayBeText)
    ) {
      throw new Wrong('frame', `opcode ${frame.opcode}, fin ${frame.fin}`);
    }
    try {
      expectBytes(frame.payload, payload);
    } catch (error) {
      throw new Wrong('bytes', (error as Error).message);
    }
    this.#world.tally.messages++;
    this.#world.tally.bytesChecked += payload.length;
  }

  /** Waits for the next frame, which must be a Close with this code. Answers it, and waits for the end. */
  async closed(code: number): Promise<void> {
    const frame = await this.frame();
    if (frame.opcode !== Opcode.CLOSE) throw new Wrong('frame', `opcode ${frame.opcode} instead of a Close`);
    if (closeStatus(frame).code !== code) throw this.unexpectedClose(frame, code);
    await this.finish(frame);
  }

  /** Answers a Close, and waits for the end. */
  async finish(close: Frame): Promise<void> {
    this.client.frame(Opcode.CLOSE, close.payload.subarray(0, 2));
    await within(Promise.race([this.client.ended, this.client.closed]), 'end');
    this.client.socket.end();
    await within(this.client.closed, 'close');
  }

  /** Starts the closing handshake, and sees it through. */
  async close(code: number): Promise<void> {
    this.client.frame(Opcode.CLOSE, Buffer.from([code >>> 8, code & 0xff]));
    const frame = await this.frame();
    if (frame.opcode !== Opcode.CLOSE) throw new Wrong('frame', `opcode ${frame.opcode} instead of a Close`);
    if (closeStatus(frame).code !== code) throw this.unexpectedClose(frame, code);
    await within(Promise.race([this.client.ended, this.client.closed]), 'end');
    this.client.socket.end();
    await within(this.client.closed, 'close');
  }

  reset(): void {
    this.#world.tally.resets++;
    this.client.reset();
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
  }

  #onPong({ payload }: Frame): void {
    // Only the latest of several pings must be answered.
    const index = this.#pings.indexOf(payload.toString('hex'));
    if (index < 0) throw new Wrong('pong', `nobody has asked for ${payload.toString('hex')}`);
    this.#pings.splice(0, index + 1);
  }

  /** The error to throw: a reload may have caused it. */
  unexpectedClose(frame: Frame, instead?: number): Error {
    const { code, reason } = closeStatus(frame);
    if (code === 1001 && this.#world.target.reloads.since(this.#marks[1])) return new Disrupted();
    return new Wrong('close code', `${code} ${reason}${instead === undefined ? '' : ` instead of ${instead}`}`);
  }
}

/** Some peers, dropped together at the end of their block. */
export class Peers implements Disposable {
  readonly all: Peer[] = [];

  async open(world: World): Promise<Peer> {
    const peer = await Peer.open(world);
    this.all.push(peer);
    return peer;
  }

  /** Rejects when one of them is lost. */
  async lost(): Promise<never> {
    await Promise.race(this.all.map(({ client }) => Promise.race([client.ended, client.closed])));
    const isDisrupted = this.all.some((peer) => peer.isDisrupted);
    throw isDisrupted ? new Disrupted() : new Wrong('lost', 'a member of a room');
  }

  [Symbol.dispose](): void {
    for (const peer of this.all) peer[Symbol.dispose]();
  }
}
