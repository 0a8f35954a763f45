/** Why a connection was closed (RFC 6455 section 7.4.1, and the registry of section 11.7 for 1012 to 1014). */
export const CloseCode = {
  /** The purpose was fulfilled. */
  NORMAL: 1000,
  /** The server goes down, or the browser left the page. */
  GOING_AWAY: 1001,
  PROTOCOL_ERROR: 1002,
  /** Text where binary was wanted, or the other way round. */
  UNSUPPORTED_DATA: 1003,
  /** Never travels: the Close frame had no code. */
  NO_STATUS: 1005,
  /** Never travels: the connection ended without a Close frame. */
  ABNORMAL: 1006,
  /** A text message, or a close reason, that is not UTF-8. */
  INVALID_PAYLOAD: 1007,
  POLICY_VIOLATION: 1008,
  MESSAGE_TOO_BIG: 1009,
  /** Sent by clients only: an extension they need was not accepted. */
  MANDATORY_EXTENSION: 1010,
  INTERNAL_ERROR: 1011,
  SERVICE_RESTART: 1012,
  TRY_AGAIN_LATER: 1013,
  BAD_GATEWAY: 1014,
} as const;

/** Whether a code may stand in a Close frame (sections 7.4.1 and 7.4.2): not reserved, and in a range that is in use. */
export function isSendableCloseCode(code: number): boolean {
  return (
    Number.isInteger(code) &&
    ((code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999))
  );
}

/** What a Close frame says. */
export interface CloseStatus {
  /** {@link CloseCode.NO_STATUS} if the frame was empty. */
  readonly code: number;
  readonly reason: string;
}
