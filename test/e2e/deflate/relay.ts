import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A connection that went through a relay. */
export interface Relayed {
  /** Everything of the client, and of the server, in bytes: the opening handshake too. */
  fromClient: number;
  fromServer: number;
  /** The heads of the opening handshake. */
  request: string;
  answer: string;
}

/** Stands between clients and a server, and counts what is on the wire. Ended at the end of its block. */
export class Relay implements AsyncDisposable {
  readonly port: number;
  readonly connections: Relayed[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => this.#join(client, connect(targetPort, '127.0.0.1')));
  }

  static async to(targetPort: number): Promise<Relay> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Relay(server, targetPort);
  }

  /** The values of a header in the answers to all connections. */
  answered(header: string): (string | undefined)[] {
    const pattern = new RegExp(`^${header}: *(.*)\\r$`, 'im');
    return this.connections.map(({ answer }) => pattern.exec(answer)?.[1]);
  }

  /** The bytes on the wire of all connections, in both directions. */
  get bytes(): number {
    return this.connections.reduce((sum, { fromClient, fromServer }) => sum + fromClient + fromServer, 0);
  }

  #join(client: Socket, server: Socket): void {
    const relayed: Relayed = { fromClient: 0, fromServer: 0, request: '', answer: '' };
    this.connections.push(relayed);
    client.on('data', (read: Buffer) => {
      relayed.fromClient += read.length;
      relayed.request = headOf(relayed.request, read);
    });
    server.on('data', (read: Buffer) => {
      relayed.fromServer += read.length;
      relayed.answer = headOf(relayed.answer, read);
    });
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => {}); // 'close' follows
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const END = '\r\n\r\n';

/** The head as far as it has come. */
function headOf(head: string, read: Buffer): string {
  if (head.includes(END)) return head;
  const longer = head + read.toString('latin1');
  const end = longer.indexOf(END);
  return end < 0 ? longer : longer.slice(0, end + END.length);
}
