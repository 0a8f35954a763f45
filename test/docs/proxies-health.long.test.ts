import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { expect, it } from 'vitest';
import type { ServerOptions } from '../../dist/index.js';
import { Client } from '../e2e/client.js';
import { closeStatus, RawClient } from '../e2e/raw-client.js';
import { builtIn, type Served, serve, until } from '../e2e/serving.js';
import { pair } from '../tls/certificates.js';
import {
  CADDY,
  type Changes,
  describeProxies,
  HAPROXY,
  HAPROXY_TCP,
  NGINX,
  NGINX_STREAM,
  PROXY_PROGRAMS,
  type ProxyProgram,
  RunningProxy,
  replacing,
  withSecondServer,
} from './proxy-programs.js';

/** Makes checks more frequent than in the document. HAProxy has to have connected within the interval. */
const checkingEach = (interval: string) => replacing(/(?<=inter |health_interval )1s/, interval);

const optionsFor = (program: ProxyProgram, more: Partial<ServerOptions> = {}): ServerOptions => ({
  ...{ handler: builtIn('echo'), threads: 1, ...program.telling, trustProxy: ['127.0.0.1'] },
  // Clients of these tests do not answer a Close, so that a server drains for as long as they stay.
  closeTimeoutMs: 60_000,
  ...more,
});

/** Whether a client is accepted. It leaves at once. */
async function isAccepted(url: string): Promise<boolean> {
  const client = new Client(url);
  let isOpen = false;
  client.socket.on('open', () => {
    isOpen = true;
    client.socket.terminate();
  });
  await client.closed;
  return isOpen;
}

/** A client that is accepted or refused. */
async function connected(url: string, options: { readonly localAddress: string }): Promise<Client> {
  const client = new Client(url, options);
  await Promise.race([new Promise((resolve) => client.socket.on('open', resolve)), client.closed]);
  return client;
}

/** So many clients come one after the other that each server of two is asked, with a chance that tests may rely on. */
const MANY = 12;

async function acceptedOfMany(url: string): Promise<number> {
  let accepted = 0;
  for (let i = 0; i < MANY; i++) if (await isAccepted(url)) accepted++;
  return accepted;
}

/** Opens clients until each server has at least one. */
async function openOnEach(proxy: RunningProxy, servers: readonly Served[]): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  const counts = () => servers.map(({ server }) => server.stats().connections);
  while (Math.min(...counts()) === 0) clients.push(await RawClient.open(proxy.port));
  // Workers count a connection somewhat later than its client is told.
  await until(() => counts().reduce((sum, count) => sum + count) === clients.length);
  return clients;
}

/** Two servers behind a proxy: the first begins to drain, ends, and comes back. */
async function tryRestart(
  program: ProxyProgram,
  changes: Changes,
  steps: { draining(url: string, one: Served, two: Served): Promise<void> },
): Promise<void> {
  await using one = await serve(optionsFor(program));
  await using two = await serve(optionsFor(program));
  await using proxy = await RunningProxy.start(program, [one.port, two.port], [withSecondServer, ...changes]);
  const clients = await openOnEach(proxy, [one, two]);
  try {
    const ending = one.server.close({ drainMs: 60_000 });
    await steps.draining(proxy.url, one, two);
    // Clients that the first server has are not cut by the proxy, and those of the second notice nothing.
    const remaining = one.server.stats().connections;
    expect(remaining).toBeGreaterThan(0);
    await until(() => two.server.stats().connections === clients.length - remaining);
    // A thread that has not begun to drain yet would answer what comes now.
    let told = 0;
    const coming = clients.map((client) => client.next());
    for (const answer of coming)
      answer.then(
        () => told++,
        () => {},
      );
    await until(() => told === remaining);
    for (const client of clients) client.text('are you there?');
    const answers = await Promise.all(coming);
    const closes = answers.filter(({ opcode }) => opcode === 8).map(closeStatus);
    expect(closes).toEqual(Array(remaining).fill({ code: 1001, reason: expect.any(String) }));
    expect(answers.filter(({ payload }) => String(payload) === 'are you there?')).toHaveLength(
      clients.length - remaining,
    );
    for (const client of clients) client.socket.destroy();
    await ending;
    expect(await acceptedOfMany(proxy.url)).toBe(MANY);
    await using back = await serve(optionsFor(program), one.port);
    await until(async () => (await isAccepted(proxy.url)) && back.server.stats().opened > 0);
  } finally {
    for (const client of clients) client.socket.destroy();
  }
}

/** Passes connections on to a server, and counts how often the health is asked on them, and how many there are. */
class CountingRelay implements AsyncDisposable {
  checks = 0;
  connections = 0;
  readonly #server: Server;

  constructor(port: number) {
    this.#server = createServer((socket) => {
      this.connections++;
      const onward = connect(port, '127.0.0.1');
      socket.on('data', (bytes) => {
        if (bytes.includes('GET /healthz')) this.checks++;
      });
      socket.pipe(onward).pipe(socket);
      // What ends one ends the other, in the same way.
      for (const [from, to] of [
        [socket, onward],
        [onward, socket],
      ] as const) {
        from.on('error', () => to.resetAndDestroy());
      }
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server.close(), 'close');
    await closed;
  }
}

/** Checks a server often, which lets one client in for each address. It must notice nothing but the clients. */
async function expectUnnoticed(
  program: ProxyProgram,
  changes: Changes,
  count: (relay: CountingRelay) => number,
): Promise<void> {
  await using served = await serve(optionsFor(program, { maxConnectionsPerIp: 1, maxConnections: 8 }));
  const noted = served.log.lines.length;
  await using relay = new CountingRelay(served.port);
  const port = await relay.listen();
  // So many checks at once may be late on a busy machine.
  const patient = program === CADDY ? [] : [replacing('fall 2', 'fall 50')];
  await using proxy = await RunningProxy.start(program, [port], [checkingEach('50ms'), ...patient, ...changes]);
  using client = await RawClient.open(proxy.port); // from the address that checks come from
  await until(() => count(relay) >= 20);
  client.text('still here');
  expect(String((await client.next()).payload)).toBe('still here');
  client.socket.destroy();
  const { server, log } = served;
  await until(() => server.stats().connections === 0);
  for (let i = 2; i <= 20; i++) {
    expect(await isAccepted(proxy.url)).toBe(true);
    await until(() => server.stats().connections === 0);
  }
  await until(() => server.stats().opened === 20);
  const { limits, pendingUpgrades } = server.stats();
  expect(pendingUpgrades).toBe(0);
  expect(Object.entries(limits).filter(([, times]) => times > 0)).toEqual([]);
  expect(log.lines.slice(noted)).toEqual([]);
}

describeProxies([HAPROXY, HAPROXY_TCP, CADDY], (program) => {
  it('checks the health without being noticed: not as a client, not by limits, not in the log', async () => {
    await expectUnnoticed(program, [], (relay) => relay.checks);
  });

  it('takes out a server that drains, and takes it back when it has been started again', async () => {
    await tryRestart(program, [checkingEach('250ms')], {
      draining: async (url, one, two) => {
        await until(async () => (await acceptedOfMany(url)) === MANY);
        const { refusedUnavailable } = one.server.stats().limits;
        const { opened } = two.server.stats();
        expect(await acceptedOfMany(url)).toBe(MANY);
        expect(one.server.stats().limits.refusedUnavailable).toBe(refusedUnavailable);
        await until(() => two.server.stats().opened >= opened + MANY);
      },
    });
  });
});

describeProxies([NGINX, NGINX_STREAM], (program) => {
  it('goes to another server when one has stopped, not yet when it drains, and asks again when its time is over', async () => {
    await tryRestart(program, [replacing(/(?<=fail_timeout=)10s/g, '1s')], {
      draining: async (url, one) => {
        expect(await acceptedOfMany(url)).toBeLessThan(MANY);
        expect(one.server.stats().limits.refusedUnavailable).toBeGreaterThan(0);
      },
    });
  });
});

describeProxies(PROXY_PROGRAMS, (program) => {
  it('refuses no client because a server has just ended, which no check has told yet', async () => {
    await using one = await serve(optionsFor(program));
    await using two = await serve(optionsFor(program));
    await using proxy = await RunningProxy.start(program, [one.port, two.port], [withSecondServer]);
    await one.server.close({ drainMs: 0 });
    expect(await acceptedOfMany(proxy.url)).toBe(MANY);
  });

  it('keeps a server that has refused a client', async () => {
    const options = optionsFor(program, { maxConnectionsPerIp: 1 });
    await using one = await serve(options);
    await using two = await serve(options);
    const servers = [one, two];
    await using proxy = await RunningProxy.start(program, [one.port, two.port], [withSecondServer]);
    const clients: Client[] = [];
    try {
      const greedy = { localAddress: '127.0.0.5' };
      const refused = () => servers.map(({ server }) => server.stats().limits.refusedAddresses);
      while (Math.min(...refused()) < 2) clients.push(await connected(proxy.url, greedy));
      await until(() => servers.every(({ server }) => server.stats().connections === 1));
      for (let i = 6; servers.some(({ server }) => server.stats().connections < 2); i++) {
        clients.push(await connected(proxy.url, { localAddress: `127.0.0.${i}` }));
      }
    } finally {
      for (const client of clients) client.socket.terminate();
    }
  });
});

// Without a header HAProxy resets such a connection before a program can accept it.
describeProxies([HAPROXY_TCP], (program) => {
  it('may check only whether the server accepts connections, without being noticed either', async () => {
    await expectUnnoticed(program, [replacing(/ *option httpchk.*\n/, '')], (relay) => relay.connections);
  });
});

describeProxies([HAPROXY_TCP], (program) => {
  it('needs check-send-proxy where checks have a port of their own', async () => {
    await using served = await serve(optionsFor(program));
    const checking = (how: string) => [
      checkingEach('500ms'),
      replacing('check inter', `check port ${served.port} ${how} inter`),
    ];
    await using proxy = await RunningProxy.start(program, [served.port], checking('check-send-proxy'));
    await using without = await RunningProxy.start(program, [served.port], checking(''));
    await until(() => without.said.includes('wsloom/one is DOWN'));
    expect(served.server.stats().limits.refusedProxies).toBeGreaterThan(0);
    expect(await isAccepted(without.url)).toBe(false);
    expect(await isAccepted(proxy.url)).toBe(true);
    expect(proxy.said).not.toContain('DOWN');
  });

  it('checks a server that speaks TLS with check-ssl, and passes the TLS of clients on', async () => {
    await using served = await serve(optionsFor(program, { tls: pair('default') }));
    const checking = (how: string) => [checkingEach('500ms'), replacing('check inter', `check ${how} inter`)];
    await using proxy = await RunningProxy.start(program, [served.port], checking('check-ssl verify none'));
    await using without = await RunningProxy.start(program, [served.port], checking(''));
    await until(() => without.said.includes('wsloom/one is DOWN'));
    using client = await Client.open(proxy.url.replace('ws:', 'wss:'));
    client.send('hello');
    expect(await client.text()).toBe('hello');
    expect(proxy.said).not.toContain('DOWN');
  });
});

describeProxies([CADDY], (program) => {
  it('asks by the address of the server, which has to be among the allowed hosts', async () => {
    await using served = await serve(optionsFor(program, { allowedHosts: ['example.org'] }));
    await using proxy = await RunningProxy.start(program, [served.port], [checkingEach('500ms')]);
    await until(() => served.server.stats().limits.refusedHosts > 0);
    expect(await isAccepted(proxy.url)).toBe(false);
  });
});
