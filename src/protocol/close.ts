/** Close codes: why a connection was closed (RFC 6455 section 7.4.1, and the registry of section 11.7 for 1012 to 1014). */
export const CloseCode = {
  /** The connection has fulfilled its purpose. */
  NORMAL: 1000,
  /** The server goes down, or the browser has left the page. */
  GOING_AWAY: 1001,
  /** The peer has broken the protocol. */
  PROTOCOL_ERROR: 1002,
  /** A text message came where only binary is understood, or a binary one where only text is. */
  UNSUPPORTED_DATA: 1003,
  /** Never travels: the Close frame had no code. */
  NO_STATUS: 1005,
  /** Never travels: the connection ended without a Close frame. */
  ABNORMAL: 1006,
  /** A text message, or a close reason, is not UTF-8. */
  INVALID_PAYLOAD: 1007,
  /** The peer has broken a rule of the application, or a limit for which there is no other code. */
  POLICY_VIOLATION: 1008,
  /** A message is longer than the receiver allows. */
  MESSAGE_TOO_BIG: 1009,
  /** Sent by clients only: the server has not accepted an extension that the client needs. */
  MANDATORY_EXTENSION: 1010,
  /** The server has met a condition that it did not expect, such as a handler that throws. */
  INTERNAL_ERROR: 1011,
  /** The service restarts: the client may connect again. */
  SERVICE_RESTART: 1012,
  /** The service is overloaded: the client should wait before it connects again. */
  TRY_AGAIN_LATER: 1013,
  /** The server is a gateway, and the server behind it gave an invalid answer. */
  BAD_GATEWAY: 1014,
} as const;

/** Whether a code may be sent in a Close frame (RFC 6455 section 7.4): 1000 to 1003, 1007 to 1014, and 3000 to 4999. */
export function isSendableCloseCode(code: number): boolean {
  return (
    Number.isInteger(code) &&
    ((code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999))
  );
}

/** What a Close frame says (RFC 6455 section 5.5.1). */
export interface CloseStatus {
  /** The close code; {@link CloseCode.NO_STATUS} if the frame was empty. */
  readonly code: number;
  /** The close reason, for people to read; empty if there is none. */
  readonly reason: string;
}
