/** Attacks of clients on a server, and checks of what must hold in spite of them. */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { happened } from '../e2e/happened.js';
import { encodeRequest, Opcode, RawClient } from '../e2e/raw-client.js';
import { ATTACKED } from './limits.js';
import { Disrupted, Peer, Peers, pause, Wrong, within } from './peer.js';
import type { Scenario } from './scenarios.js';
import type { World } from './world.js';

/** Attacks that many clients make at any time, each with its weight compared to other scenarios. */
export const ATTACKS: readonly (readonly [weight: number, name: string, scenario: Scenario])[] = [
  [1, 'HTTP client that never reads', neverReads],
  [0.3, 'half handshakes', halfHandshakes],
];

/** Loopback addresses of attackers, so that the limit for an address does not meet the other clients. */
const HALF_HANDSHAKES_FROM = '127.0.0.77';
const RELOADS_FROM = '127.0.0.78';

const PIPELINED_REQUESTS = 1500;
/** How many connections above the limit of an address may wait for a 503 or to be closed, at most. */
const REFUSED_AT_ONCE = 32;
const HALF_HANDSHAKES = ATTACKED.maxConnectionsPerIp + REFUSED_AT_ONCE + 50;
/** The limit on what a thread is owed, and the memory on top of it, in bytes. */
const FLOOD_TOLERANCE_BYTES = 512 * 1024 * 1024;
/** The longest time of a flood, and the most that it publishes. */
const FLOOD_MS = 4000;
const FLOOD_MESSAGE_BYTES = 64 * 1024;
const FLOOD_MAX_MIB = 4096;

async function connectFrom(localAddress: string, port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress, allowHalfOpen: true });
  socket.on('error', () => {}); // 'close' follows
  await within(Promise.race([happened(socket, 'connect'), happened(socket, 'close')]), 'connect');
  return socket;
}

/** Sends requests and reads no answer. It is dropped like every client that takes nothing. */
async function neverReads({ target, tally }: World): Promise<void> {
  tally.attacks++;
  const socket = connect({ port: target.port, host: '127.0.0.1' });
  socket.on('error', () => {}); // 'close' follows
  try {
    await within(Promise.race([happened(socket, 'connect'), happened(socket, 'close')]), 'connect');
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(PIPELINED_REQUESTS));
    // A reset shows when something is written.
    const tries = (4 * ATTACKED.stallTimeoutMs) / 250;
    for (let i = 0; i < tries && !socket.destroyed; i++) {
      await pause(250);
      socket.write('\r\n');
    }
    if (!socket.destroyed) throw new Wrong('held', 'an HTTP client that has taken no answer');
  } finally {
    socket.destroy();
  }
}

/** More beginnings of requests than an address may have connections: those above the limit are closed at once. */
async function halfHandshakes({ target, tally }: World): Promise<void> {
  tally.attacks++;
  const sockets: Socket[] = [];
  let closed = 0;
  const count = () => closed++;
  try {
    while (sockets.length < HALF_HANDSHAKES) {
      const group = Array.from({ length: 50 }, () => connectFrom(HALF_HANDSHAKES_FROM, target.port));
      for (const socket of await Promise.all(group)) {
        sockets.push(socket);
        socket.resume();
        socket.on('end', () => socket.destroy());
        if (socket.destroyed) count();
        else socket.on('close', count);
        socket.write(encodeRequest('/').slice(0, 60));
      }
    }
    const least = HALF_HANDSHAKES - ATTACKED.maxConnectionsPerIp - REFUSED_AT_ONCE;
    for (let waitedMs = 0; waitedMs < ATTACKED.handshakeTimeoutMs / 2 && closed < least; waitedMs += 50)
      await pause(50);
    if (closed < least) {
      throw new Wrong('held', `${HALF_HANDSHAKES - closed} half handshakes of an address, ${closed} are closed`);
    }
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/** A handler blocks its thread while the thread gets clients and the server reloads: no client with a 101 is lost. */
export async function reloadBlocked(world: World, reload: () => Promise<void>): Promise<void> {
  const { target, tally } = world;
  tally.attacks++;
  const { crashes } = tally;
  using blocking = await Peer.open(world);
  blocking.client.text('!block 5000');
  await blocking.message(Buffer.from('blocked')); // what it has taken before goes with it
  const clients: RawClient[] = [];
  try {
    // They go to each thread in turn: about half of them wait for the blocked one.
    for (let i = 0; i < 20; i++) {
      const client = new RawClient(await connectFrom(RELOADS_FROM, target.port));
      clients.push(client);
      client.socket.write(encodeRequest('/'));
    }
    const reloaded = reload();
    let lost = 0;
    await Promise.all(
      clients.map(async (client) => {
        const response = await within(Promise.race([client.response, client.closed.then(() => '')]), 'upgrade');
        if (!response.startsWith('HTTP/1.1 101 ')) return;
        client.frame(Opcode.BINARY, 'x');
        const answered = client.next().then(
          () => true, // an echo, or the Close of a reload
          () => false,
        );
        if (!(await within(answered, 'frame'))) lost++;
      }),
    );
    await reloaded;
    if (lost > 0 && tally.crashes > crashes) throw new Disrupted(); // they were lost with a worker that was made to die
    if (lost > 0) throw new Wrong('lost', `${lost} clients that had their 101, in a reload with a blocked worker`);
  } finally {
    for (const client of clients) client[Symbol.dispose]();
  }
}

/** One thread publishes as fast as it can, the other has subscribers and computes: memory stays bounded. */
export async function flood(world: World, pid: number): Promise<void> {
  world.tally.attacks++;
  using peers = new Peers();
  const byThread = new Map<string, Peer>();
  for (let i = 0; i < 6 && byThread.size < 2; i++) {
    const peer = await peers.open(world);
    peer.client.text('!thread');
    byThread.set(String((await peer.frame()).payload), peer);
  }
  const [publisher, reader] = [...byThread.values()];
  if (publisher === undefined || reader === undefined) throw new Disrupted(); // there is only one thread now
  reader.client.text('!join flood');
  await reader.message(Buffer.from('joined'));
  reader.client.text(`!compute ${FLOOD_MS}`);
  world.tally.asked.slowConsumers++; // which it may become
  const before = residentBytes(pid);
  let peak = before;
  const sampling = setInterval(() => {
    peak = Math.max(peak, residentBytes(pid));
  }, 100);
  try {
    publisher.client.text(`!flood flood ${FLOOD_MS} ${FLOOD_MESSAGE_BYTES} ${FLOOD_MAX_MIB}`);
    const published = await publisher.frame();
    if (published.opcode === Opcode.CLOSE) throw publisher.unexpectedClose(published);
  } finally {
    clearInterval(sampling);
  }
  if (peak - before > FLOOD_TOLERANCE_BYTES) {
    const mebibytes = Math.round((peak - before) / 1024 / 1024);
    throw new Wrong('memory', `${mebibytes} MiB more while a thread was flooded with publications`);
  }
}

/** At the end, an address that was counted wrongly has fewer places than others. */
export async function expectPlaces({ target }: World): Promise<void> {
  for (const address of [HALF_HANDSHAKES_FROM, RELOADS_FROM]) {
    const clients: RawClient[] = [];
    try {
      let refused = 0;
      for (let i = 0; i < ATTACKED.maxConnectionsPerIp; i++) {
        const client = new RawClient(await connectFrom(address, target.port));
        clients.push(client);
        client.socket.write(encodeRequest('/'));
        const response = await within(Promise.race([client.response, client.closed.then(() => '')]), 'upgrade');
        if (!response.startsWith('HTTP/1.1 101 ')) refused++;
      }
      if (refused > 0) throw new Wrong('places', `${refused} of an address are taken by nobody`);
    } finally {
      for (const client of clients) client[Symbol.dispose]();
    }
  }
}

/** The resident memory of a process, as Linux reports it. */
function residentBytes(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]);
  return pages * 4096;
}
