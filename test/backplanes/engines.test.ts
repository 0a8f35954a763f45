import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { backplaneOf } from '../../dist/backplanes/from-url.js';
import { testBackplane } from '../../dist/backplanes/index.js';
import { until } from '../e2e/serving.js';
import { freePort } from '../ports.js';
import { isInstalled } from './engines.js';
import { NATS, REDIS } from './kinds.js';
import { failureOf, Link, openSockets } from './link.js';

/** A machine that is busy with other things is slow, not wrong. */
const PATIENT = { timeoutMs: 60_000 };

const PASSWORD = 's3cret-Sentinel';
const PIECE = new Uint8Array(16 * 1024);
/** More than may wait, and less than memory would be hurt by. */
const MOST_PIECES = 1024;

for (const kind of [NATS, REDIS]) {
  describe.skipIf(!isInstalled(kind.program))(kind.program, () => {
    it('keeps the rules of a backplane', async () => {
      await using engine = await kind.start();
      await testBackplane(() => kind.backplane(engine.address), PATIENT);
    });

    it('is reached by its URL, with the password in it, and not with another one', async () => {
      await using engine = await kind.start({ lines: kind.withPassword(PASSWORD) });
      await using link = await Link.to(backplaneOf(kind.url(engine.address, PASSWORD)));
      await link.connection.subscribe(['topic']);
      await using other = await Link.to(kind.backplane(engine.address, { password: PASSWORD }));
      other.connection.publish('topic', Buffer.from('hello'));
      await until(() => link.received.length > 0);
      const [{ topic, bytes } = { topic: '', bytes: Buffer.of() }] = link.received;
      expect([topic, Buffer.from(bytes).toString()]).toEqual(['topic', 'hello']);
      for (const wrong of [
        kind.backplane(engine.address, { password: `${PASSWORD}!` }),
        kind.backplane(engine.address),
      ]) {
        const error = await failureOf(wrong);
        expect(error).toMatchObject({ name: 'BackplaneError', code: 'WSLOOM_ENGINE' });
        expect(error.message).toMatch(/authorization violation|WRONGPASS|NOAUTH/i);
        expect(`${error.message}${error.stack}${JSON.stringify(error)}`).not.toContain(PASSWORD);
      }
    });

    it('that does not listen is named in the error, without the password', async () => {
      const address = `127.0.0.1:${await freePort()}`;
      const error = await failureOf(kind.backplane(address, { password: PASSWORD }));
      expect(error.message).toMatch(/ECONNREFUSED|refused/i);
      expect(error.message).toContain(address);
      expect(error.message).not.toContain(PASSWORD);
    });

    it('shares nothing with applications of another prefix', async () => {
      await using engine = await kind.start();
      await using link = await Link.to(kind.backplane(engine.address, { prefix: 'one' }));
      await using same = await Link.to(kind.backplane(engine.address, { prefix: 'one' }));
      await using other = await Link.to(kind.backplane(engine.address, { prefix: 'two' }));
      await Promise.all([link, other].map(({ connection }) => connection.subscribe(['topic'])));
      same.connection.publish('topic', Buffer.from('to one'));
      await until(() => link.received.length === 1);
      // What the engine does for a connection, it does in order.
      await other.connection.subscribe(['last']);
      expect(other.received).toEqual([]);
    });

    it('is waited for while it is frozen, with little memory, and nothing is lost', async () => {
      await using engine = await kind.start();
      await using to = await Link.to(kind.backplane(engine.address));
      await to.connection.subscribe(['topic']);
      await using from = await Link.to(kind.backplane(engine.address));
      await engine.freeze();
      let pieces = 1;
      while (from.connection.publish('topic', PIECE) && pieces < MOST_PIECES) {
        pieces++;
        await turn();
      }
      expect(pieces * PIECE.length).toBeLessThan(5 * 1024 * 1024);
      // It says so until it takes messages again.
      expect(from.connection.publish('topic', PIECE)).toBe(false);
      expect(from.drains).toBe(0);
      engine.thaw();
      await until(() => from.drains === 1 && to.received.length === pieces + 1);
      expect(from.connection.publish('topic', PIECE)).toBe(true);
      expect([from.losses, to.losses]).toEqual([[], []]);
    });

    it('that is frozen can be given up at once, and no socket is left behind', async () => {
      await using engine = await kind.start();
      const before = openSockets();
      await engine.freeze();
      const giveUp = new AbortController();
      const failed = failureOf(kind.backplane(engine.address), giveUp.signal);
      for (let i = 0; i < 100; i++) await turn();
      giveUp.abort();
      expect((await failed).message).toContain('it took too long');
      // Fewer, if one of the start was still closing.
      await until(() => openSockets() <= before);
    });

    it('that ends is reported once, and the connection does nothing from then on', async () => {
      await using engine = await kind.start();
      const link = await Link.to(kind.backplane(engine.address));
      await link.connection.subscribe(['topic']);
      await engine.kill();
      await until(() => link.losses.length > 0);
      expect(link.losses[0]).toMatchObject({ code: 'WSLOOM_ENGINE' });
      expect(link.losses[0]?.message).toContain(engine.address);
      expect(link.connection.publish('topic', PIECE)).toBe(true);
      await link.connection.subscribe(['other']);
      await link.connection.unsubscribe(['topic']);
      await link.connection.close();
      for (let i = 0; i < 10; i++) await turn();
      expect([link.losses.length, link.drains]).toEqual([1, 0]);
    });
  });
}
