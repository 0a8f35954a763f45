import { ArgumentTypeError } from '../options/argument-error.js';
import { FIN, Opcode } from '../protocol/opcode.js';
import type { Subscriber } from '../pubsub/subscriber.js';
import type { Topics } from '../pubsub/topics.js';
import type { SendData, SendOptions } from './connection.js';
import { mayCompress } from './may-compress.js';
import { LentMessage } from './message.js';
import { payloadOf } from './payload.js';

/**
 * Publishes for a connection, which does not get it, or for nobody in particular.
 * @returns false if it would be better to wait with the next @throws TypeError
 */
export function publishTo(
  topics: Topics,
  topic: string,
  except: Subscriber | undefined,
  data: SendData,
  options?: SendOptions,
): boolean {
  checkTopic(topic);
  const compress = options === undefined || mayCompress(options);
  if (data instanceof LentMessage) {
    const { firstByte, bytes, start, length } = data.reported;
    return topics.publish(topic, except, firstByte, bytes, start, length, compress);
  }
  if (typeof data === 'string') {
    const payload = Buffer.from(data);
    return topics.publish(topic, except, FIN | Opcode.TEXT, payload, 0, payload.length, compress);
  }
  const payload = payloadOf(data);
  return topics.publish(topic, except, FIN | Opcode.BINARY, payload, 0, payload.length, compress);
}

/** @throws TypeError */
export function checkTopic(topic: string): void {
  if (typeof topic !== 'string')
    throw new ArgumentTypeError('WSLOOM_TOPIC', `a topic must be a string, got ${typeof topic}`);
}
