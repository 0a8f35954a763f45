import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { pair } from '../tls/certificates.js';

/** Both ends of a TLS connection, over loopback. */
export interface TlsSockets extends Disposable {
  readonly server: TLSSocket;
  readonly client: TLSSocket;
  /** The client's TCP socket. */
  readonly tcp: Socket;
}

export async function tlsSockets(): Promise<TlsSockets> {
  const listening = createServer({ ...pair('default'), allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo;
  const tcp = connectTcp(port, '127.0.0.1');
  const client = connect({ socket: tcp, rejectUnauthorized: false });
  const accepted = once(listening, 'secureConnection') as Promise<[TLSSocket]>;
  const [[server]] = await Promise.all([accepted, once(client, 'secureConnect')]);
  client.on('error', () => {});
  return {
    server,
    client,
    tcp,
    [Symbol.dispose]() {
      server.destroy();
      client.destroy();
      listening.close();
    },
  };
}
