/** What a frame reader has found in the bytes that it was fed. */
export const FrameEvent = {
  /** There is no more in what was fed: feed the next read. */
  NONE: 0,
  /** A whole message, its fragments joined (RFC 6455 section 5.4). */
  MESSAGE: 1,
  /** A Ping frame (section 5.5.2). */
  PING: 2,
  /** A Pong frame (section 5.5.3). */
  PONG: 3,
  /** A Close frame (section 5.5.1). */
  CLOSE: 4,
} as const;

export type FrameEvent = (typeof FrameEvent)[keyof typeof FrameEvent];
