/** Echoes by all ways of sending, and obeys texts that begin with `!`. */
import { threadId } from 'node:worker_threads';
import { type Connection, defineHandler, publish } from '../../dist/index.js';
import { pattern } from '../e2e/pattern.js';

type Command = (connection: Connection<number>, ...args: string[]) => void | Promise<void>;

const COMMANDS: Readonly<Record<string, Command>> = {
  '!join': (connection, room = '') => {
    connection.subscribe(room);
    connection.send('joined');
  },
  /** Publishes this many bytes, whose pattern the members know. */
  '!say': (_, room = '', seed, size) => void publish(room, pattern(Number(seed), Number(size))),
  /** Sends this many messages at once, whatever `send` returns. */
  '!bulk': (connection, count, seed, size) => {
    for (let i = 0; i < Number(count); i++) connection.send(pattern(Number(seed) + i, Number(size)));
  },
  '!close': (connection, code, reason) => connection.close(Number(code), reason),
  '!throw': () => {
    throw new Error('thrown on demand');
  },
  '!reject': async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    throw new Error('rejected on demand');
  },
  '!thread': (connection) => void connection.send(String(threadId)),
  /** Blocks this thread for this time, in ms. */
  '!block': (connection, ms) => {
    connection.send('blocked');
    setImmediate(() => compute(Number(ms)));
  },
  /** Computes for nine tenths of this time, in ms. */
  '!compute': (_, ms) => {
    const timer = setInterval(() => compute(90), 10);
    setTimeout(() => clearInterval(timer), Number(ms));
  },
  /** Publishes as fast as it can, and reports how many messages. The parameters are a time in ms, a size in bytes, and a limit in MiB. */
  '!flood': (connection, room = '', ms, size, mebibytes) => {
    const message = new Uint8Array(Number(size));
    const most = (Number(mebibytes) * 1024 * 1024) / message.length;
    const endMs = performance.now() + Number(ms);
    let count = 0;
    const more = () => {
      for (let i = 0; i < 20; i++) publish(room, message);
      count += 20;
      if (performance.now() < endMs && count < most) setImmediate(more);
      else connection.send(String(count));
    };
    more();
  },
  '!crash': () => process.exit(1),
  /** Reports the heap of this thread after a collection. */
  '!heap': (connection) => {
    for (let i = 0; i < 3; i++) globalThis.gc?.();
    connection.send(`${threadId} ${process.memoryUsage().heapUsed}`);
  },
};

function compute(ms: number): void {
  for (const endMs = performance.now() + ms; performance.now() < endMs; );
}

export default defineHandler<number>({
  open(connection) {
    connection.data = 0;
    connection.subscribe(`own-${connection.id}`);
  },
  message(connection, message) {
    if (!message.isBinary && message.borrow()[0] === 0x21) {
      const [name = '', ...args] = message.text().split(' ');
      return COMMANDS[name]?.(connection, ...args);
    }
    const way = connection.data++ % 6;
    if (way === 0) connection.send(message);
    else if (way === 1) connection.send(message.bytes());
    else if (way === 2) connection.send(message.borrow());
    else if (way === 3) publish(`own-${connection.id}`, message);
    else if (way === 4) publish(`own-${connection.id}`, message.borrow());
    else connection.send(message.isBinary ? message : message.text());
  },
});
