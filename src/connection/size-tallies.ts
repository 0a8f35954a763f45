import { FIN, Opcode } from '../protocol/opcode.js';
import { type Counters, Distribution } from '../telemetry/counters.js';
import { SizeTally } from '../telemetry/size-tally.js';
import type { ConnectionEnvironment } from './environment.js';

/** The first byte of the frame of a text: that of an unfragmented one, without the bits of extensions. */
const TEXT = FIN | Opcode.TEXT;

/** What the connections of a thread count the sizes of messages with. */
export function sizeTallies(counters: Counters): Pick<ConnectionEnvironment, 'receivedSizes' | 'sentSizes'> {
  const { RECEIVED_TEXT_BYTES, RECEIVED_BINARY_BYTES, SENT_TEXT_BYTES, SENT_BINARY_BYTES } = Distribution;
  return {
    receivedSizes: new SizeTally(counters, TEXT, RECEIVED_TEXT_BYTES, RECEIVED_BINARY_BYTES),
    sentSizes: new SizeTally(counters, TEXT, SENT_TEXT_BYTES, SENT_BINARY_BYTES),
  };
}
