import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { nkeys } from '@nats-io/transport-node';
import { describe, expect, it, vi } from 'vitest';
import { backplaneOf } from '../../dist/backplanes/from-url.js';
import { type Backplane, nats, redis, testBackplane } from '../../dist/backplanes/index.js';
import { Command } from '../cli/command.js';
import { until } from '../e2e/serving.js';
import { fileOf, pem } from '../tls/certificates.js';
import { Engine, isInstalled } from './engines.js';
import { NATS, REDIS } from './kinds.js';
import { failureOf, Link, openSockets } from './link.js';

/** A machine that is busy with other things is slow, not wrong. */
const PATIENT = { timeoutMs: 60_000 };

const PASSWORD = 's3cret-Sentinel';
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const path = (name: string) => fileURLToPath(fileOf(name));
const CERTIFICATE = { cert: path('default.crt'), key: path('default.key') };
const CA = pem('servers-ca.crt');

/** Lets publishers wait as they are told, and ends after so many messages or when something is lost. */
async function publishMany(from: Link, topic: string, bytes: Uint8Array, messages: number): Promise<void> {
  for (let i = 0; i < messages && from.losses.length === 0; i++) {
    const { drains } = from;
    if (!from.connection.publish(topic, bytes)) await until(() => from.drains > drains || from.losses.length > 0);
  }
}

for (const kind of [NATS, REDIS]) {
  describe.skipIf(!isInstalled(kind.program))(kind.program, () => {
    it('with TLS keeps the rules of a backplane, also if it asks for a certificate', async () => {
      const lines = kind.withTls({ ...CERTIFICATE, clientsCa: path('clients-ca.crt') });
      await using engine = await kind.start({ lines: [...lines, ...kind.withPassword(PASSWORD)] });
      const tls = { ca: CA, cert: pem('client.crt'), key: pem('client.key') };
      await testBackplane(() => kind.backplane(engine.address, { tls, password: PASSWORD }), PATIENT);
      const scheme = kind === NATS ? 'tls' : 'rediss';
      const files = `ca=${path('servers-ca.crt')}&cert=${path('client.crt')}&key=${path('client.key')}`;
      const url = `${kind.url(engine.address, PASSWORD).replace(/^\w+/, scheme)}?${files}`;
      await (await Link.to(backplaneOf(url))).connection.close();
      const unknown = await failureOf(kind.backplane(engine.address, { tls: { ca: CA }, password: PASSWORD }));
      expect(unknown.message).not.toContain(PASSWORD);
    });

    it('whose certificate is not trusted is refused, without the password', async () => {
      await using engine = await kind.start({ lines: [...kind.withTls(CERTIFICATE), ...kind.withPassword(PASSWORD)] });
      const error = await failureOf(kind.backplane(engine.address, { tls: true, password: PASSWORD }));
      expect(error.message).toMatch(/unable to (verify|get)|self.signed/i);
      expect(error.message).not.toContain(PASSWORD);
    });

    it('whose certificate has another name than it was asked for is refused', async () => {
      await using engine = await kind.start({ lines: kind.withTls({ cert: path('a.crt'), key: path('a.key') }) });
      const error = await failureOf(kind.backplane(engine.address, { tls: { ca: CA } }));
      expect(error.message).toMatch(/IP: 127\.0\.0\.1 is not in the cert's list/);
      const named = kind.backplane(engine.address, { tls: { ca: CA, servername: 'a.example' } });
      await (await Link.to(named)).connection.close();
    });

    it('with TLS that is frozen can be given up at once, and no socket is left behind', async () => {
      await using engine = await kind.start({ lines: kind.withTls(CERTIFICATE) });
      for (let i = 0; i < 10; i++) await turn(); // what has waited for the engine is closed then
      const before = openSockets();
      await engine.freeze();
      const giveUp = new AbortController();
      const failed = failureOf(kind.backplane(engine.address, { tls: { ca: CA } }), giveUp.signal);
      for (let i = 0; i < 100; i++) await turn();
      giveUp.abort();
      expect((await failed).message).toContain('it took too long');
      // Fewer, if one of the start was still closing.
      await until(() => openSockets() <= before);
    });

    it('without TLS is refused where TLS is demanded, and gets no password', async () => {
      await using engine = await kind.start({ lines: kind.withPassword(PASSWORD) });
      const error = await failureOf(
        kind.backplane(engine.address, { tls: { ca: CA }, password: PASSWORD }),
        AbortSignal.timeout(1000),
      );
      expect(error.message).not.toContain(PASSWORD);
      expect(engine.said).not.toContain(PASSWORD);
    });

    it('with TLS is not reached without it', async () => {
      await using engine = await kind.start({ lines: [...kind.withTls(CERTIFICATE), ...kind.withPassword(PASSWORD)] });
      const error = await failureOf(kind.backplane(engine.address, { password: PASSWORD }), AbortSignal.timeout(1000));
      expect(error.message).not.toContain(PASSWORD);
    });

    it('that gives up a subscriber which does not read is reported to that subscriber', async () => {
      await using engine = await kind.start({ lines: kind.impatient });
      await using subscriber = new Command(process.execPath, ['--input-type=module', '-e', subscriberOf(kind, engine)]);
      await subscriber.says('stdout', /subscribed/);
      await using from = await Link.to(kind.backplane(engine.address));
      subscriber.process.kill('SIGSTOP');
      await publishMany(from, 'topic', new Uint8Array(256 * 1024), 256);
      subscriber.process.kill('SIGCONT');
      await subscriber.says('stdout', /lost/);
      expect(from.losses).toEqual([]);
      expect(subscriber.stdout).not.toMatch(/lost.*lost/s);
    });

    it('is found again at the same port', async () => {
      const backplane = await (async () => {
        await using engine = await kind.start();
        const backplane = kind.backplane(engine.address);
        const link = await Link.to(backplane);
        await engine.kill();
        await until(() => link.losses.length > 0);
        expect((await failureOf(backplane)).message).toMatch(/refused/i);
        await using again = await kind.start({ port: engine.port });
        const back = await Link.to(backplane);
        await back.connection.subscribe(['topic']);
        await using other = await Link.to(kind.backplane(again.address));
        other.connection.publish('topic', Buffer.from('back'));
        await until(() => back.received.length === 1);
        expect(back.losses).toEqual([]);
        await back.connection.close();
        return backplane;
      })();
      expect((await failureOf(backplane)).message).toMatch(/refused/i);
    });

    it('carries 200 MiB past a subscriber in order, while publishers wait as they are told', async () => {
      await using engine = await kind.start();
      await using to = await Link.to(kind.backplane(engine.address));
      await to.connection.subscribe(['topic']);
      await using from = await Link.to(kind.backplane(engine.address));
      const bytes = Buffer.alloc(64 * 1024);
      let next = 0;
      for (let i = 0; i < 3200; i++) {
        bytes.writeUInt32LE(i);
        const { drains } = from;
        if (!from.connection.publish('topic', bytes)) await until(() => from.drains > drains);
        for (const message of to.received.splice(0)) expect(Buffer.from(message.bytes).readUInt32LE()).toBe(next++);
        if (i % 16 === 0) await turn();
      }
      await until(() => {
        for (const message of to.received.splice(0)) expect(Buffer.from(message.bytes).readUInt32LE()).toBe(next++);
        return next === 3200;
      });
      expect([from.losses, to.losses]).toEqual([[], []]);
    });
  });
}

describe('an engine that is frozen for half a minute', () => {
  const kinds = [NATS, REDIS].filter(({ program }) => isInstalled(program));
  it.concurrent.each(kinds)('is lost: $program', async (kind) => {
    await using engine = await kind.start();
    await using link = await Link.to(kind.backplane(engine.address));
    await engine.freeze();
    // Nothing is answered any more: neither this, which is given up with the connection …
    const subscribed = link.connection.subscribe(['topic']).catch(() => {});
    await until(() => link.losses.length > 0);
    await subscribed;
    expect(link.losses[0]?.message).toMatch(/does not answer/);
    // … nor is a new connection made.
    expect((await failureOf(kind.backplane(engine.address), AbortSignal.timeout(500))).message).toContain('too long');
  });
});

/** Checks that of the topics from a to f only b and d are refused, and to publish to b. */
async function carriesWhatIsPermitted(make: () => Backplane): Promise<void> {
  await using from = await Link.to(make());
  await using to = await Link.to(make());
  await to.connection.subscribe([...'abcdef']);
  expect(to.refusals).toHaveLength(2);
  for (const topic of 'abcef') from.connection.publish(topic, Buffer.from(topic));
  await until(() => to.received.length === 4 && from.refusals.length === 1);
  expect(to.received.map(({ topic }) => topic).sort()).toEqual([...'acef']);
  await to.connection.unsubscribe([...'abcdef']);
  expect([from.losses, to.losses]).toEqual([[], []]);
}

/** A program that subscribes to `topic`, and says when it has lost its connection. */
function subscriberOf(kind: typeof NATS, engine: Engine): string {
  return `
    import { backplaneOf } from '${ROOT}dist/backplanes/from-url.js';
    const events = { received() {}, drained() {}, refused() {}, lost: (error) => console.log('lost', error.message) };
    const connection = await backplaneOf('${kind.url(engine.address)}').connect(events, new AbortController().signal);
    await connection.subscribe(['topic']);
    console.log('subscribed');
    setInterval(() => {}, 1000);`;
}

describe.skipIf(!isInstalled('nats-server'))('NATS', () => {
  it('takes a token or the seed of an NKey, and shows neither', async () => {
    await using withToken = await Engine.nats({ lines: [`authorization { token: "${PASSWORD}" }`] });
    await (await Link.to(backplaneOf(`nats://${PASSWORD}@${withToken.address}`))).connection.close();
    await (await Link.to(nats({ servers: withToken.address, token: PASSWORD }))).connection.close();
    const refused = await failureOf(nats({ servers: withToken.address, token: `${PASSWORD}!` }));
    expect(refused.message).toMatch(/authorization violation/i);
    expect(refused.message).not.toContain(PASSWORD);

    const user = nkeys.createUser();
    const seed = new TextDecoder().decode(user.getSeed());
    const users = `authorization { users: [{ nkey: "${user.getPublicKey()}" }] }`;
    await using withKey = await Engine.nats({ lines: [users] });
    await (await Link.to(nats({ servers: withKey.address, nkey: seed }))).connection.close();
    const other = new TextDecoder().decode(nkeys.createUser().getSeed());
    expect((await failureOf(nats({ servers: withKey.address, nkey: other }))).message).not.toContain(other);
    const nonsense = await failureOf(nats({ servers: withKey.address, creds: PASSWORD }));
    expect(nonsense.message).not.toContain(PASSWORD);
  });

  it('needs no more than the subjects of the prefix', async () => {
    const permissions = 'permissions: { publish: "wsloom.*", subscribe: "wsloom.*" }';
    const lines = [`authorization { users: [{ user: me, password: "${PASSWORD}", ${permissions} }] }`];
    await using engine = await Engine.nats({ lines });
    const options = { servers: engine.address, user: 'me', pass: PASSWORD };
    await testBackplane(() => nats(options), PATIENT);
    await using link = await Link.to(nats({ ...options, prefix: 'other' }));
    await link.connection.subscribe(['topic']);
    expect(link.refusals[0]?.message).toMatch(/Permissions Violation for Subscription/);
    link.connection.publish('topic', Buffer.from('hello'));
    await until(() => link.refusals.length > 1);
    expect(link.refusals[1]?.message).toMatch(/Permissions Violation for Publish/);
    await link.connection.unsubscribe(['topic']);
    expect(link.losses).toEqual([]);
  });

  it('that refuses some topics carries the others', async () => {
    const permissions =
      'permissions: { publish: { deny: "wsloom.b" }, subscribe: { allow: "wsloom.*", deny: ["wsloom.b", "wsloom.d"] } }';
    const lines = [`authorization { users: [{ user: me, password: "${PASSWORD}", ${permissions} }] }`];
    await using engine = await Engine.nats({ lines });
    await carriesWhatIsPermitted(() => nats({ servers: engine.address, user: 'me', pass: PASSWORD }));
  });

  it('says how large messages may be', async () => {
    await using engine = await Engine.nats({ lines: ['max_payload: 4096'] });
    const make = () => nats({ servers: engine.address });
    await testBackplane(make, PATIENT);
    await using link = await Link.to(make());
    expect(link.connection.maxMessageBytes).toBe(4096);
    // Whoever publishes more anyway loses the connection, and no other thing happens.
    link.connection.publish('topic', new Uint8Array(4097));
    await until(() => link.losses.length > 0);
    await using tiny = await Engine.nats({ lines: ['max_payload: 100'] });
    const error = await failureOf(nats({ servers: tiny.address }));
    expect(error.message).toContain('its max_payload is 100 bytes, and must be at least 1024');
  });

  it('is reached by whichever of its servers answers', async () => {
    await using frozen = await Engine.nats();
    await using dead = await Engine.nats();
    await dead.kill();
    await using engine = await Engine.nats();
    for (let i = 0; i < 5; i++) {
      await using link = await Link.to(nats({ servers: [dead.address, engine.address] }));
      await link.connection.subscribe(['topic']);
    }
    await frozen.freeze();
    const error = await failureOf(nats({ servers: [frozen.address, dead.address] }), AbortSignal.timeout(500));
    // A signal takes a moment to stop all threads of a process: it may have greeted before.
    expect(error.message).toMatch(/(no server of NATS can be reached: .*|^NATS at .*)it took too long/);
  });

  it('is asked for at the next address if one accepts a connection and says nothing', async () => {
    await using engine = await Engine.nats();
    await using frozen = await Engine.nats();
    await frozen.freeze();
    using random = vi.spyOn(Math, 'random').mockReturnValue(0);
    const backplane = nats({ servers: [frozen.address, engine.address] });
    await using link = await Link.to(backplane, AbortSignal.timeout(30_000));
    await link.connection.subscribe(['topic']);
    expect(random).toHaveBeenCalled();
  });

  it('that takes a permission away later is lost: the subscription has ended', async () => {
    const linesOf = (subscribe: string) => [
      `authorization { users: [{ user: me, password: "${PASSWORD}", permissions: { subscribe: "${subscribe}" } }] }`,
    ];
    await using engine = await Engine.nats({ lines: linesOf('wsloom.*') });
    await using link = await Link.to(nats({ servers: engine.address, user: 'me', pass: PASSWORD }));
    await link.connection.subscribe(['topic']);
    engine.reconfigure(linesOf('other.*'));
    await until(() => link.losses.length > 0);
    expect(link.losses[0]?.message).toMatch(/Permissions Violation for Subscription/);
  });

  it('that offers TLS without being asked has to have a certificate for the address that it is reached by', async () => {
    await using engine = await NATS.start({ lines: NATS.withTls({ cert: path('a.crt'), key: path('a.key') }) });
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: path('servers-ca.crt') };
    const args = ['--input-type=module', '-e', subscriberOf(NATS, engine)];
    await using subscriber = new Command(process.execPath, args, { env });
    await subscriber.says('stderr', /IP: 127\.0\.0\.1 is not in the cert's list/);
  });

  it('is told from another server that listens there', async () => {
    await using engine = await Engine.redis();
    const error = await failureOf(nats({ servers: engine.address }), AbortSignal.timeout(500));
    expect(error.message).toContain(`${engine.address}: it took too long`);
  });
});

describe.skipIf(!isInstalled('redis-server'))('Redis', () => {
  it('needs no more than these permissions', async () => {
    const commands = '+hello +auth +ping +publish +subscribe +unsubscribe';
    const lines = [`user me on >${PASSWORD} resetkeys resetchannels &wsloom:* -@all ${commands}`, 'user default off'];
    await using engine = await Engine.redis({ lines });
    const options = { nodes: engine.address, username: 'me', password: PASSWORD };
    await testBackplane(() => redis(options), PATIENT);
    await using link = await Link.to(redis({ ...options, prefix: 'other' }));
    await link.connection.subscribe(['topic']);
    expect(link.refusals[0]?.message).toMatch(/NOPERM.*: other:\{\d+\}:topic$/);
    link.connection.publish('topic', Buffer.from('hello'));
    await until(() => link.refusals.length > 1);
    expect(link.refusals[1]?.message).toMatch(/NOPERM.*: other:\{\d+\}:topic$/);
    await link.connection.unsubscribe(['topic']);
    expect(link.losses).toEqual([]);
  });

  it('that refuses some topics carries the others', async () => {
    const channels = ['a', 'c', 'e', 'f'].map((topic) => `&wsloom:*:${topic}`).join(' ');
    const lines = [`user me on >${PASSWORD} resetkeys resetchannels ${channels} +@all`, 'user default off'];
    await using engine = await Engine.redis({ lines });
    await carriesWhatIsPermitted(() => redis({ nodes: engine.address, username: 'me', password: PASSWORD }));
  });

  it('that does not permit a command at all is lost', async () => {
    const lines = [`user me on >${PASSWORD} resetkeys allchannels +@all -subscribe -publish`, 'user default off'];
    await using engine = await Engine.redis({ lines });
    await using link = await Link.to(redis({ nodes: engine.address, username: 'me', password: PASSWORD }));
    await expect(link.connection.subscribe(['topic'])).rejects.toThrow(/NOPERM/);
    link.connection.publish('topic', Buffer.from('hello'));
    await until(() => link.losses.length > 0);
    expect(link.losses[0]?.message).toMatch(/NOPERM/);
    expect(link.refusals).toEqual([]);
  });

  it('has one address, if it is no cluster', async () => {
    await using engine = await Engine.redis();
    await using other = await Engine.redis();
    const error = await failureOf(redis({ nodes: [engine.address, other.address] }));
    expect(error.message).toMatch(/Redis at 127\.0\.0\.1:\d+ is no node of a cluster/);
  });

  it('is asked for at the next address if one accepts a connection and says nothing', async () => {
    await using engine = await Engine.redis();
    await using frozen = await Engine.redis();
    await frozen.freeze();
    using random = vi.spyOn(Math, 'random').mockReturnValue(0);
    const error = await failureOf(redis({ nodes: [frozen.address, engine.address] }), AbortSignal.timeout(30_000));
    expect(error.message).toContain(`Redis at ${engine.address} is no node of a cluster`);
    expect(random).toHaveBeenCalled();
  });

  it('is the master, because a replica reaches others than the master does', async () => {
    await using engine = await Engine.redis();
    await using replica = await Engine.redis({ lines: [`replicaof 127.0.0.1 ${engine.port}`] });
    const error = await failureOf(redis({ nodes: replica.address }));
    expect(error.message).toBe(`Redis at ${replica.address} is a replica: the address must be that of the master`);
  });

  it('takes its certificates from files, anew for each connection', async () => {
    await using engine = await Engine.redis({ lines: REDIS.withTls(CERTIFICATE) });
    const folder = mkdtempSync(join(tmpdir(), 'wsloom-ca-'));
    const caFile = join(folder, 'ca.crt');
    writeFileSync(caFile, pem('clients-ca.crt'));
    const backplane = redis({ nodes: engine.address, tls: { caFile } });
    expect((await failureOf(backplane)).message).toMatch(/unable to (verify|get)/);
    writeFileSync(caFile, CA);
    await (await Link.to(backplane)).connection.close();
    rmSync(folder, { recursive: true });
    expect((await failureOf(backplane)).message).toContain('ENOENT');
  });
});
