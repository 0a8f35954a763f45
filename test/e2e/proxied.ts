import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { Client } from './client.js';
import type { Served } from './serving.js';

/** A header of the PROXY protocol's first version. */
export function header1(address: string): Buffer {
  const [family, own] = address.includes(':') ? ['TCP6', '2001:db8::ffff'] : ['TCP4', '192.0.2.255'];
  return Buffer.from(`PROXY ${family} ${address} ${own} 50000 80\r\n`);
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n');

/** A header of the PROXY protocol's second version. @param block what stands behind its length. */
export function encodeHeader2(command: number, family: number, block: Uint8Array): Buffer {
  const prefix = Buffer.from([command, family, block.length >> 8, block.length & 0xff]);
  return Buffer.concat([SIGNATURE, prefix, block]);
}

/** A header of the second version that tells an IPv4 address, with extensions behind it. */
export function header2(address: string, extensions: Uint8Array = Buffer.alloc(0)): Buffer {
  const addresses = Buffer.from([...address.split('.').map(Number), 192, 0, 2, 255, 0xc3, 0x50, 0, 80]);
  return encodeHeader2(0x21, 0x11, Buffer.concat([addresses, extensions]));
}

export const LOCAL = encodeHeader2(0x20, 0, Buffer.alloc(0));
export const UNSPECIFIED = encodeHeader2(0x21, 0, Buffer.alloc(0));
export const UNKNOWN = Buffer.from('PROXY UNKNOWN\r\n');

/** Where a test connects. */
export type Target = { readonly path: string } | { readonly port: number; readonly localAddress?: string };

/** A connection of a proxy. It is not closed by errors, because 'close' follows. */
export async function connectProxy(target: Target): Promise<Socket> {
  const socket = connect({ noDelay: true, ...('port' in target ? { host: '127.0.0.1', ...target } : target) });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** A client whose connection begins with some bytes. @param tls what it speaks TLS with; undefined if it does not. */
export async function proxied(
  { url, port }: Pick<Served, 'url' | 'port'>,
  first: Uint8Array,
  options: {
    readonly tls?: ConnectionOptions | undefined;
    readonly headers?: Readonly<Record<string, string>>;
    readonly target?: Target;
    readonly path?: string;
  } = {},
): Promise<Client> {
  const { tls, headers = {}, target = { port }, path = '/' } = options;
  const socket = await connectProxy(target);
  socket.write(first);
  const createConnection = () => (tls === undefined ? socket : connectTls({ ...tls, socket }));
  const address = url.startsWith('ws+unix') ? 'ws://localhost' : url;
  // The types of ws ask for what only its own connections have.
  return new Client(`${address}${path}`, { headers, createConnection: createConnection as never });
}

/** Such a client, when it is connected. */
export async function openProxied(...parameters: Parameters<typeof proxied>): Promise<Client> {
  const client = await proxied(...parameters);
  await once(client.socket, 'open');
  return client;
}
