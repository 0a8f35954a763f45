import { CloseCode, isSendableCloseCode } from '../protocol/close.js';

/** What each code says (RFC 6455 section 7.4.1, and the registry of section 11.7). */
const MEANINGS: Readonly<Record<keyof typeof CloseCode, string>> = {
  NORMAL: 'the connection has fulfilled its purpose',
  GOING_AWAY: 'the server goes down, or the browser has left the page',
  PROTOCOL_ERROR: 'the peer has broken the protocol',
  UNSUPPORTED_DATA: 'text came where only binary is understood, or binary where only text is',
  NO_STATUS: 'never sent: it stands for a Close frame without a code',
  ABNORMAL: 'never sent: it stands for a connection that ended without a Close frame',
  INVALID_PAYLOAD: 'a text, or the reason of a Close frame, was not UTF-8',
  POLICY_VIOLATION: 'the peer has broken a rule of the application, or a limit for which there is no other code',
  MESSAGE_TOO_BIG: 'a message was longer than the receiver allows',
  MANDATORY_EXTENSION: 'the server has not accepted an extension that the client needs',
  INTERNAL_ERROR: 'the server has met a condition that it did not expect',
  SERVICE_RESTART: 'the service restarts, and the client may connect again',
  TRY_AGAIN_LATER: 'the service is overloaded, and the client should wait before it connects again',
  BAD_GATEWAY: 'the server is a gateway, and the server behind it gave an invalid answer',
};

const NAMES: ReadonlyMap<number, keyof typeof CloseCode> = new Map(
  Object.entries(CloseCode).map(([name, code]) => [code, name as keyof typeof CloseCode]), // the names are its keys
);

/** The name of a close code, such as `GOING_AWAY`; undefined for a code without a name. */
export function closeCodeName(code: number): string | undefined {
  return NAMES.get(code);
}

/** What a close code says, as a part of a sentence. */
export function closeCodeMeaning(code: number): string {
  const name = NAMES.get(code);
  if (name !== undefined) return MEANINGS[name];
  if (code === 1015) return 'never sent: it stands for a TLS handshake that failed';
  if (!isSendableCloseCode(code)) return 'a code that has no meaning, and must not be sent';
  return code < 4000 ? 'a code that a library or an application has registered with IANA' : 'a code of the application';
}
