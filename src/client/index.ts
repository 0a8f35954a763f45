export type { DeflateLevel } from '../kernels/deflater.js';
export { ArenaError } from '../memory/reserve.js';
export { OptionError } from '../options/option-error.js';
export { CloseCode } from '../protocol/close.js';
export { CloseArgumentError } from '../protocol/close-payload.js';
export type { DeflateAgreement, DeflateDirection } from '../protocol/deflate/agreement.js';
export { HandshakeConfigError } from '../protocol/opening/handshake-error.js';
export type { HandshakeHeaders } from '../protocol/opening/handshake-headers.js';
export type { HeaderSource, HeaderValue } from '../protocol/opening/handshake-response.js';
export {
  HandshakeResponseError,
  type HandshakeResponseErrorCode,
} from '../protocol/opening/handshake-response-error.js';
export { ProtocolError, type ProtocolRule } from '../protocol/protocol-error.js';
export type { ClientClosed, ClientConnection, ClientData, ClientSendOptions } from './client-connection.js';
export type { ClientMessage } from './client-message.js';
export type { ClientOptions } from './client-options.js';
export { connect } from './connect.js';
export { ConnectError } from './connect-error.js';
export type { ClientDeflateOptions } from './deflate-options.js';
export type { HandshakeOffer } from './handshake.js';
