// A thread of bus.test.ts: subscribes to 'x', publishes to it, tells what it has got, and whether its chunks are free.
import { parentPort, workerData } from 'node:worker_threads';
import { Bus } from '../../dist/pubsub/bus.js';
import { Topics } from '../../dist/pubsub/topics.js';

const { name, count, expected, ports } = workerData;
const got = [];
const posted = [];

const subscriber = {
  topics: undefined,
  batch: 0,
  runsTaken: 0,
  slot: -1,
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

const bus = new Bus((runs) => topics.receive(runs));
bus.listen();
const outlet = {
  hasPeers: true,
  post(runs) {
    posted.push(...runs);
    bus.post(runs);
  },
};
const topics = new Topics(outlet, () => {});
topics.subscribe(subscriber, 'x');
for (const port of ports) bus.connect(port);

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
