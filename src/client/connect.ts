import { nameOf, readAddress } from './address.js';
import { checkCertificates } from './certificates.js';
import { ClientConnection } from './client-connection.js';
import { type ClientOptions, resolveClientLimits } from './client-options.js';
import { ConnectError } from './connect-error.js';
import { dial } from './dial.js';
import { Handshake } from './handshake.js';

/**
 * Opens a WebSocket connection as a client (RFC 6455 section 4.1): TCP or a unix socket, for wss TLS, and the opening handshake. Redirects are not
 * followed. Messages go to the hook `message` of the options. Hooks are called in this thread, after the promise is settled. No
 * message is lost, even if the server sends one together with its answer.
 *
 * @param url ws://host:port/path?query, wss://…, or for a unix socket ws+unix:/path/of/the.sock:/path?query, or wss+unix:…
 * @returns the open connection. The promise rejects with an {@link OptionError} or a {@link HandshakeConfigError} if an option
 * cannot be used, with a {@link ConnectError} if there is no connection, and with a {@link HandshakeResponseError} if the server
 * does not accept it or answers wrongly.
 */
export async function connect(url: string | URL, options: ClientOptions = {}): Promise<ClientConnection> {
  const address = readAddress(url);
  const limits = resolveClientLimits(options);
  const handshake = new Handshake(address, options, limits.deflate?.settings);
  const { rejectUnauthorized = true, ca } = options;
  checkCertificates(ca);
  const socket = dial(address, { rejectUnauthorized, ca }, () => socket.write(handshake.request));
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      settle();
      socket.on('error', () => {}); // of a connection that is given up
      socket.destroy();
      reject(error);
    };
    const onRead = (read: Buffer) => {
      try {
        const answer = handshake.feed(read);
        if (answer === undefined) return;
        settle();
        socket.pause();
        const connection = new ClientConnection(socket, answer.acceptance, options, limits);
        resolve(connection);
        // When whoever waits for the connection has it.
        setImmediate(() => connection.start(answer.rest));
      } catch (error) {
        fail(error as Error);
      }
    };
    const onError = (cause: Error) => {
      fail(new ConnectError('WSLOOM_CONNECT', `no connection to ${nameOf(address)}: ${cause.message}`, { cause }));
    };
    const onEnd = () => {
      const message = `no connection to ${nameOf(address)}: it was closed before the opening handshake was answered`;
      fail(new ConnectError('WSLOOM_CONNECT', message));
    };
    const timer = setTimeout(() => {
      const message = `no connection to ${nameOf(address)}: no opening handshake within ${limits.handshakeTimeoutMs} ms`;
      fail(new ConnectError('WSLOOM_HANDSHAKE_TIMEOUT', message));
    }, limits.handshakeTimeoutMs);
    const settle = () => {
      clearTimeout(timer);
      socket.off('data', onRead).off('error', onError).off('end', onEnd).off('close', onEnd);
    };
    socket.on('data', onRead).on('error', onError).on('end', onEnd).on('close', onEnd);
  });
}
