import type { NatsConnection, NatsConnectionImpl } from '@nats-io/transport-node';

/** A longer line than this, in bytes, comes from no server of NATS. */
const MAX_LINE_BYTES = 1024 * 1024;

/**
 * Tells when what a server says cannot be read. The official client stops reading then, and says so nowhere but on standard output: the connection
 * would seem to be there until the server has not answered for half a minute, and all that comes meanwhile would be kept in memory. A line
 * without an end would be kept too.
 *
 * The client has no way to be told. So its parser is looked after, where the client has one.
 * @param onBroken called once. Nothing is read from then on.
 */
export function guardReading(client: NatsConnection, onBroken: (error: Error) => void): void {
  const { protocol } = client as Partial<NatsConnectionImpl>;
  const parser = protocol?.parser;
  if (parser === undefined) return;
  const { parse } = parser;
  let isBroken = false;
  const fail = (why: string) => {
    isBroken = true;
    onBroken(new Error(`what it says cannot be read: ${why}`));
  };
  parser.parse = (bytes) => {
    if (isBroken) return;
    try {
      parse.call(parser, bytes);
      if ((parser.argBuf?.length ?? 0) > MAX_LINE_BYTES) fail('a line has no end');
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error));
    }
  };
}
