export type { DeflateOptions } from './compression/deflate-options.js';
export type { ClientCertificate, ClientTls } from './connection/client-tls.js';
export type { Connection, SendData, SendOptions } from './connection/connection.js';
export type { ConnectionClosed, ConnectionOpened, MessagesReceived } from './connection/connection-channels.js';
export type { BackplaneState, Handler } from './connection/handler.js';
export { type Message, MessageVoidError } from './connection/message.js';

export type { Backplane, BackplaneConnection, BackplaneEvents } from './fleet/backplane.js';
export { defineHandler, type ModuleHandler } from './host/define-handler.js';
export { HandlerModuleError } from './host/handler-module-error.js';
export { publish, roomToPublish } from './host/publish.js';
export { PublishError } from './host/publish-error.js';
export type { Upgrade, UpgradeAcceptance, UpgradeRefusal, UpgradeRequest } from './host/upgrade-hook.js';
export type { Thresholds } from './kernels/thresholds.js';
export { ArenaError } from './memory/arena.js';
export type { UpgradeRefused } from './opening/refused-channel.js';
export { ArgumentRangeError, ArgumentTypeError } from './options/argument-error.js';
export { ConfigError, OptionError } from './options/option-error.js';
export type { AdminAddress } from './primary/admin-server.js';
export { type AttachedServer, type AttachOptions, attach } from './primary/attach.js';
export { BundledError } from './primary/bundled-error.js';
export type { ServerDeflateOptions } from './primary/deflate-options.js';
export { ListenError } from './primary/listen-error.js';
export type {
  DescriptorListenOptions,
  ListenOptions,
  TcpListenOptions,
  UnixListenOptions,
} from './primary/listen-options.js';
export {
  type CloseOptions,
  createServer,
  type DrainOptions,
  type ReloadOptions,
  type Server,
} from './primary/server.js';
export type { ServerAddress, TcpAddress, UnixAddress } from './primary/server-address.js';
export type { ServerOptions } from './primary/server-options.js';
export { ServerStateError } from './primary/server-state-error.js';
export { WorkerStartError } from './primary/worker-start-error.js';
export { CloseCode } from './protocol/close.js';
export { CloseArgumentError } from './protocol/close-payload.js';
export type { HandshakeHeaders } from './protocol/opening/handshake-headers.js';
export type { HeaderSource, HeaderValue } from './protocol/opening/handshake-response.js';
export type { Logger } from './telemetry/logger.js';
export type { CertificateStats, LimitStats, ServerStats } from './telemetry/server-stats.js';
export type { Pem, TlsCertificateOptions, TlsOptions } from './tls/tls-options.js';
