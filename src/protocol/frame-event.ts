/** What a frame reader has found in the bytes that it was fed. */
export const FrameEvent = {
  /** Nothing more in what was fed: feed the next read. */
  NONE: 0,
  /** A whole message, its fragments joined (RFC 6455 section 5.4). */
  MESSAGE: 1,
  /** A control frame (section 5.5), as are the next two. */
  PING: 2,
  PONG: 3,
  CLOSE: 4,
} as const;

export type FrameEvent = (typeof FrameEvent)[keyof typeof FrameEvent];
