import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { descriptorOf, hasDescriptors } from '../../dist/system/descriptor.js';
import { loadSystemCalls, type SystemCalls } from '../../dist/system/system-calls.js';

describe.skipIf(!hasDescriptors)('the calls of the system', () => {
  let calls: SystemCalls;
  let client: Socket;
  let ours: Socket;
  let fd: number;

  beforeEach(async () => {
    calls = await loadSystemCalls();
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.on('error', () => {});
    [ours] = (await accepted) as [Socket];
    ours.on('error', () => {});
    server.close();
    fd = descriptorOf(ours);
  });

  afterEach(() => {
    ours.destroy();
    client.destroy();
  });

  test('send from any memory: on the heap, shared, and of WebAssembly', async () => {
    const memories = [
      new Uint8Array(100),
      new Uint8Array(new SharedArrayBuffer(100)),
      new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1 }).buffer),
      Buffer.allocUnsafeSlow(200).subarray(100),
    ];
    let received = '';
    client.setEncoding('latin1').on('data', (text) => {
      received += text;
    });
    for (const [i, memory] of memories.entries()) {
      memory.set(Buffer.from(`<memory ${i}>`), 10);
      expect(calls.send(fd, memory, 10, 20)).toBe(10);
    }
    while (received.length < 40) await once(client, 'data');
    expect(received).toBe('<memory 0><memory 1><memory 2><memory 3>');
  });

  test.runIf(process.platform === 'linux')('know which sockets can be read', async () => {
    const others = [descriptorOf(client), 1_000_000];
    while (calls.consume(fd, Buffer.alloc(1000), 1000) > 0);
    expect(calls.readable([...others, fd])).toEqual([]);
    await new Promise((resolve) => client.write('x', resolve));
    while (calls.readable([fd]).length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(calls.readable([...others, fd, ...others, fd])).toEqual([2, 5]);
    expect(calls.endedPeers([fd])).toEqual([]);
    expect(calls.consume(fd, Buffer.alloc(1000), 1000)).toBe(1);
    expect(calls.readable([])).toEqual([]);
  });

  test.runIf(process.platform === 'linux')(
    'know whether a peer has gone, also if some of its bytes are not read yet',
    async () => {
      expect(calls.endedPeers([fd])).toEqual([]);
      await new Promise((resolve) => client.write('x'.repeat(10_000), resolve));
      expect(calls.endedPeers([fd])).toEqual([]);
      client.end();
      await once(client, 'finish');
      while (calls.endedPeers([fd]).length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      expect(ours.readableLength).toBe(0); // nothing of it was read
      const others = [descriptorOf(client), 1_000_000];
      expect(calls.endedPeers([...others, fd, ...others, fd])).toEqual([2, 5]);
      expect(calls.endedPeers([])).toEqual([]);
    },
  );

  test('keep the memory that was last sent from until letGo() is called', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const send = () => {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
      expect(calls.send(fd, new Uint8Array(memory.buffer), 0, 10)).toBe(10);
      return new WeakRef(memory.buffer);
    };
    const sent = send();
    calls.letGo();
    // After a call of deref, the memory is kept until the turn is over.
    for (let i = 0; i < 50 && sent.deref() !== undefined; i++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      collectGarbage();
    }
    expect(sent.deref()).toBeUndefined();
    send(); // goes on
  });

  test('send no byte outside of the memory', () => {
    const memory = new Uint8Array(100);
    for (const [start, end] of [
      [-1, 10],
      [0, 101],
      [20, 10],
      [Number.NaN, 10],
      [0, Number.POSITIVE_INFINITY],
    ] as const) {
      expect(() => calls.send(fd, memory, start, end)).toThrow(RangeError);
    }
    expect(client.bytesRead).toBe(0);
  });

  test('say that the peer takes nothing now', () => {
    const memory = new Uint8Array(1024 * 1024);
    let sent = 0;
    for (let taken = 0; taken >= 0; taken = calls.send(fd, memory, 0, memory.length)) sent += taken;
    expect(sent).toBeGreaterThan(0);
    expect(calls.send(fd, memory, 0, memory.length)).toBe(-1);
    expect(calls.unacknowledgedBytes(fd)).toBeGreaterThanOrEqual(process.platform === 'linux' ? 1 : 0);
  });

  test('say that the peer is gone, and raise no signal', async () => {
    client.resetAndDestroy();
    await once(client, 'close');
    let sent = 0;
    while (sent >= 0) {
      sent = calls.send(fd, Buffer.alloc(100), 0, 100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent).toBe(-1);
  });

  test('duplicate a descriptor, and say when there is none', () => {
    const duplicate = calls.duplicate(fd);
    expect(duplicate).toBeGreaterThanOrEqual(0);
    expect(duplicate).not.toBe(fd);
    closeSync(duplicate);
    expect(calls.duplicate(-1)).toBe(-1);
    expect(calls.duplicate(duplicate)).toBe(-1);
  });
});

test.runIf(process.platform === 'linux')(
  'memory that is discarded is all zeros, and its neighbours do not change',
  async () => {
    const calls = await loadSystemCalls();
    const memory = Buffer.from(new SharedArrayBuffer(1024 * 1024)).fill(1);
    const [start, end] = [100_000, 900_000];
    calls.discard(memory.subarray(start, end));
    expect(memory.subarray(0, start).every((byte) => byte === 1)).toBe(true);
    expect(memory.subarray(end).every((byte) => byte === 1)).toBe(true);
    // Everything except bytes that share a page with them.
    expect(memory.subarray(start + 4096, end - 4096).every((byte) => byte === 0)).toBe(true);
    calls.discard(memory.subarray(10, 20));
    expect(memory.subarray(10, 20).every((byte) => byte === 1)).toBe(true);
  },
);
