/** What is sent and received: a text, or bytes. */
export type Data = string | Uint8Array;

/** A connection that sends, and that is asked for the next message. */
export interface Channel {
  send(data: Data): void;
  next(): Promise<Data>;
  close(): void;
}

/** What came back. */
export interface Outcome {
  /** Messages that came. */
  readonly count: number;
  /** Their bytes without frames and compression. */
  readonly bytes: number;
  /** What was wrong with them, a line for each. */
  readonly wrong: readonly string[];
}

/** As much of a browser's WebSocket as is needed. */
export interface SocketOfBrowsers {
  binaryType: string;
  send(data: Data): void;
  close(code: number): void;
  // biome-ignore lint/suspicious/noExplicitAny: events differ between browsers and ws
  addEventListener(type: any, listener: (event: any) => void): void;
}

export function channelOf(socket: SocketOfBrowsers): Promise<Channel>;
export function echoAll(channel: Channel): Promise<Outcome>;
export function repeat(channel: Channel): Promise<Outcome>;
export function publishAll(channels: readonly Channel[]): Promise<Outcome>;
