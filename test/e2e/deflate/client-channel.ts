import { connect } from '../../../dist/client/index.js';
import { Queue } from '../queue.js';
import type { Channel, Data } from './echoing.js';

/** A connection of our client. @param deflate its option of that name */
export async function channelTo(url: string, deflate: object): Promise<Channel> {
  const came = new Queue<Data>();
  const connection = await connect(url, {
    message: (_, message) => came.push(message.isBinary ? Uint8Array.from(message.bytes) : message.text()),
    ...{ deflate },
  });
  void connection.closed.then(({ code, reason, error }) => came.end(`closed with ${code} ${reason} ${error?.message}`));
  return {
    send: (data) => {
      connection.send(data);
    },
    next: () => came.next(),
    close: () => connection.close(1000),
  };
}
