import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { type ClientVerdict, ThreadTls } from '../../dist/tls/thread-tls.js';
import { TlsContexts } from '../../dist/tls/tls-contexts.js';
import type { TlsMaterial } from '../../dist/tls/tls-material.js';
import { pair } from './certificates.js';

export type Version = 'TLSv1.2' | 'TLSv1.3';

export interface Attempt {
  readonly servername?: string;
  readonly version?: Version;
  /** The name of the certificate that the client shows if it is asked. */
  readonly client?: string;
  readonly session?: Buffer | undefined;
  /** The cipher suites of TLS 1.2, in the order in which the client prefers them. */
  readonly ciphers?: string;
  /** Called with the socket once the handshake is over. */
  readonly onSecure?: (socket: TLSSocket) => void;
}

/** What a client has seen of one connection. */
export interface Seen {
  /** What the server has written, which it does only for clients that are admitted. */
  readonly answer: string;
  /** The common name of the server's certificate; undefined in a session that was resumed. */
  readonly shown: string | undefined;
  readonly isResumed: boolean;
  /** The last session that the server has given it. */
  readonly session: Buffer | undefined;
  readonly version: string | null;
  /** The cipher suite, as OpenSSL writes it. */
  readonly cipher: string | undefined;
  /** The code of the error that the connection has ended with. */
  readonly error: string | undefined;
}

/** A server as a worker thread has it: it does not listen, and is fed with connections. */
export class Rig {
  readonly tls: ThreadTls;
  /** Whether connections stay open after the answer. */
  keepsOpen = false;
  readonly verdicts: ClientVerdict[] = [];
  /** The common names of certificates that clients have shown; undefined for none. */
  readonly clients: (string | undefined)[] = [];
  readonly #https;
  readonly #listener;

  private constructor(material: TlsMaterial, callsAsMethod: boolean) {
    this.tls = new ThreadTls(new TlsContexts(material));
    const options = this.tls.serverOptions;
    const SNICallback = callsAsMethod ? options.SNICallback : options.SNICallback.bind(undefined);
    this.#https = createHttpsServer({ ...options, SNICallback });
    this.#https.on('secureConnection', (socket: TLSSocket) => {
      const verdict = this.tls.judge(socket);
      this.verdicts.push(verdict);
      this.clients.push(/CN=(.*)/.exec(socket.getPeerX509Certificate()?.subject ?? '')?.[1]);
      if (verdict.isAdmitted && this.keepsOpen) socket.write('admitted');
      else if (verdict.isAdmitted) socket.end('admitted');
      else socket.destroy();
    });
    this.#https.on('secureConnection', (socket: TLSSocket) => socket.on('error', () => socket.destroy()));
    this.#https.on('tlsClientError', () => {}); // the client sees it too
    this.#listener = createServer((socket) => void this.#https.emit('connection', socket));
  }

  /** @param callsAsMethod with false, the callback for names is not called as a method of the socket: Node does not promise that it is. */
  static async open(material: TlsMaterial, callsAsMethod = true): Promise<Rig> {
    const rig = new Rig(material, callsAsMethod);
    await once(rig.#listener.listen(0, '127.0.0.1'), 'listening');
    return rig;
  }

  exchange(material: TlsMaterial): void {
    this.tls.exchange(new TlsContexts(material), this.#https);
  }

  async connect({ servername, version = 'TLSv1.3', client, session, ciphers, onSecure }: Attempt = {}): Promise<Seen> {
    const socket = connect({
      host: '127.0.0.1',
      port: (this.#listener.address() as AddressInfo).port,
      rejectUnauthorized: false,
      ca: [], // without it, Node loads all authorities that it knows
      minVersion: version,
      maxVersion: version,
      ...(servername === undefined ? { servername: '' } : { servername }),
      ...(client === undefined ? {} : pair(client)),
      ...(session === undefined ? {} : { session }),
      ...(ciphers === undefined ? {} : { ciphers }),
    });
    let answer = '';
    let error: string | undefined;
    let given: Buffer | undefined;
    let shown: string | undefined;
    let isResumed = false;
    let spoken: string | null = null;
    let cipher: string | undefined;
    socket.on('session', (one) => (given = one));
    socket.on('error', (one: NodeJS.ErrnoException) => (error = one.code));
    socket.on('data', (bytes) => (answer += bytes));
    socket.on('secureConnect', () => {
      shown = (socket.getPeerCertificate() as { subject?: { CN?: string } }).subject?.CN;
      isResumed = socket.isSessionReused();
      spoken = socket.getProtocol();
      cipher = socket.getCipher().name;
      onSecure?.(socket);
    });
    await new Promise((resolve) => socket.on('close', resolve));
    return { answer, shown, isResumed, session: given, version: spoken, cipher, error };
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}
