import { fstatSync } from 'node:fs';
import type { Server as NetServer } from 'node:net';
import type { SystemCalls } from '../system/system-calls.js';
import { codeOf, ListenError } from './listen-error.js';
import type { ListenPlace } from './listen-options.js';
import { listening } from './listening.js';
import { type ServerAddress, type TcpAddress, tcpAddressOf, unixAddressOf } from './server-address.js';
import { ServerStateError } from './server-state-error.js';
import { UnixSocketFile } from './unix-socket.js';

/** The end of a server that clients connect to. */
export interface Endpoint {
  /** Has an HTTP server listen here. It can be called once. */
  listen(http: NetServer): Promise<ServerAddress>;
  /** Removes what {@link listen} has made in the file system. Call it while the HTTP server still listens. */
  remove(): void;
}

/** @param calls undefined on systems without koffi. */
export function endpointAt(place: ListenPlace, calls: SystemCalls | undefined): Endpoint {
  if (place.kind === 'tcp') return new TcpEndpoint(place.port, place.host);
  if (place.kind === 'unix') return new UnixEndpoint(new UnixSocketFile(place.path, place.mode));
  return new DescriptorEndpoint(place.fd, calls);
}

class TcpEndpoint implements Endpoint {
  readonly #port: number;
  readonly #host: string;

  constructor(port: number, host: string) {
    this.#port = port;
    this.#host = host;
  }

  async listen(http: NetServer): Promise<ServerAddress> {
    await listening(http, { port: this.#port, host: this.#host });
    return tcpAddressOf(http) as TcpAddress; // it listens
  }

  remove(): void {}
}

class UnixEndpoint implements Endpoint {
  readonly #file: UnixSocketFile;

  constructor(file: UnixSocketFile) {
    this.#file = file;
  }

  async listen(http: NetServer): Promise<ServerAddress> {
    await this.#file.listen(http);
    return unixAddressOf(this.#file.path);
  }

  remove(): void {
    this.#file.remove();
  }
}

/** A socket that somebody else has made, and bound to its address. */
class DescriptorEndpoint implements Endpoint {
  readonly #fd: number;
  readonly #calls: SystemCalls | undefined;

  constructor(fd: number, calls: SystemCalls | undefined) {
    this.#fd = fd;
    this.#calls = calls;
  }

  async listen(http: NetServer): Promise<ServerAddress> {
    const fd = this.#fd;
    expectSocket(fd);
    this.#calls?.closeInChildren(fd);
    try {
      await listening(http, { fd });
    } catch (error) {
      if (error instanceof ServerStateError) throw error;
      const what = 'a TCP or unix socket that is bound to its address, and not connected (with systemd: Accept=no)';
      const message = `descriptor ${fd} cannot be listened on (${codeOf(error)}): it must be ${what}`;
      throw new ListenError(codeOf(error), message, { cause: error });
    }
    return tcpAddressOf(http) ?? unixAddressOf(this.#calls?.unixPathOf(fd) ?? '');
  }

  remove(): void {} // the file of a unix socket belongs to whoever has made it
}

/** @throws ListenError if a descriptor is no socket. */
function expectSocket(fd: number): void {
  let isSocket: boolean;
  try {
    isSocket = fstatSync(fd).isSocket();
  } catch (cause) {
    const remedy = 'whoever starts this process must pass it on';
    throw new ListenError(codeOf(cause), `descriptor ${fd} is not open: ${remedy}`, { cause });
  }
  if (!isSocket) throw new ListenError('ENOTSOCK', `descriptor ${fd} is no socket: a server listens on a socket only`);
}
