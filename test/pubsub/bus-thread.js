// A thread of bus.test.ts. It subscribes to 'x' and publishes to it. It reports what it has got, and whether its chunks are free.
import { parentPort, workerData } from 'node:worker_threads';
import { Bus } from '../../dist/pubsub/bus.js';
import { ThreadLedger } from '../../dist/pubsub/thread-ledger.js';
import { hashTopic } from '../../dist/pubsub/topic-hash.js';
import { Topics } from '../../dist/pubsub/topics.js';

const { name, count, expected, ledger, ports, ledgers, limits } = workerData;
const got = [];
const posted = [];

const subscriber = {
  subscription: undefined,
  dialect: 0,
  clearDescriptor: -1,
  deliver(chunk, start, end) {
    for (let at = start; at < end; ) {
      let length = chunk.bytes[at + 1];
      at += 2;
      if (length === 126) {
        length = chunk.bytes.readUInt16BE(at);
        at += 2;
      }
      got.push(chunk.bytes.toString('utf8', at, at + length));
      at += length;
    }
    if (got.length === expected + count) parentPort.postMessage({ got });
  },
};

class NotingBus extends Bus {
  post(runs) {
    posted.push(...runs);
    super.post(runs);
  }
}

const bus = new NotingBus(
  {
    receive: (runs) => topics.receive(runs),
    onMissed() {},
    onDropped() {},
    onSlowThread() {},
    onThreadGone: (peer) => topics.forgetThread(peer),
    takeHandOffs() {},
  },
  limits,
  new ThreadLedger(ledger),
);
const topics = new Topics(bus, () => {});
bus.listen();
topics.subscribe(subscriber, 'x');
for (const [i, port] of ports.entries()) bus.connect(port, new ThreadLedger(ledgers[i]));
// A publication does not reach a thread that subscribes after it.
while (!ledgers.every((other) => new ThreadLedger(other).wants(hashTopic('x')))) {
  await new Promise((resolve) => setImmediate(resolve));
}

parentPort.on('message', () => {
  parentPort.postMessage(posted.every(({ chunk }) => chunk.isFree) ? 'all free' : 'some are held');
});

let published = 0;
function publishSome() {
  for (let i = 0; i < 5 && published < count; i++, published++) {
    const bytes = Buffer.from(`${name} ${published} `.padEnd((published * 997) % 9000, '.'));
    topics.publish('x', undefined, 0x81, bytes, 0, bytes.length);
  }
  topics.flush();
  if (published < count) setImmediate(publishSome);
}
publishSome();
