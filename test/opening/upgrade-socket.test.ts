import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DescriptorUpgradeSocket, StreamUpgradeSocket, type UpgradeSocket } from '../../dist/opening/upgrade-socket.js';
import { descriptorOf } from '../../dist/system/descriptor.js';
import { loadSystemCalls } from '../../dist/system/system-calls.js';
import { duplexPair } from '../host/duplex-pair.js';

const ADDRESS = '192.0.2.1';

/** A socket of a connection over loopback, of which only the descriptor is used. */
async function overDescriptor(): Promise<UpgradeSocket> {
  const calls = await loadSystemCalls();
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const socket = new DescriptorUpgradeSocket(calls.duplicate(descriptorOf(accepted)), ADDRESS);
  accepted.destroy();
  server.close();
  onTestFinished(() => void client.destroy());
  return socket;
}

describe.each([
  ['of a stream', async () => new StreamUpgradeSocket(duplexPair()[0], ADDRESS, new Uint8Array(0))],
  ...(process.platform === 'linux' ? ([['of a descriptor', overDescriptor]] as const) : []),
] as [string, () => Promise<UpgradeSocket>][])('the loss %s', (_, create) => {
  it('is told until it is forgotten, and then nothing of who was told is kept', async () => {
    const socket = await create();
    let losses = 0;
    const listener = () => {
      losses++;
    };
    socket.whenLost(listener);
    socket.lose();
    const { stream } = socket; // one of a descriptor is made only now
    expect([losses, stream.listeners('close').includes(listener)]).toEqual([1, true]);
    socket.forgetLoss();
    socket.lose();
    expect([losses, stream.listeners('close').includes(listener)]).toEqual([1, false]);
    stream.destroy();
    await once(stream, 'close');
    expect(losses).toBe(1);
    socket.forgetLoss(); // there is nothing to forget
  });

  it('is told to all who want to know, in the order in which they have said so', async () => {
    const socket = await create();
    const told: string[] = [];
    socket.whenLost(() => told.push('first'));
    socket.whenLost(() => told.push('second'));
    socket.lose();
    expect(told).toEqual(['first', 'second']);
    const { stream } = socket;
    socket.whenLost(() => told.push('third'));
    stream.destroy();
    await once(stream, 'close');
    expect(told).toEqual(['first', 'second', 'first', 'second', 'third']);
  });

  it('is forgotten for all of them', async () => {
    const socket = await create();
    let losses = 0;
    for (let i = 0; i < 2; i++) socket.whenLost(() => losses++);
    const { stream } = socket;
    const others = stream.listenerCount('close') - 1;
    socket.whenLost(() => losses++);
    socket.forgetLoss();
    expect(stream.listenerCount('close')).toBe(others);
    stream.destroy();
    await once(stream, 'close');
    expect(losses).toBe(0);
  });

  it('is told when the stream closes', async () => {
    const socket = await create();
    let losses = 0;
    socket.whenLost(() => {
      losses++;
    });
    socket.stream.destroy();
    await once(socket.stream, 'close');
    expect(losses).toBe(1);
  });

  it('that nobody asked for is no loss', async () => {
    const socket = await create();
    socket.lose();
    socket.forgetLoss();
    socket.drop();
    socket.lose();
  });
});
