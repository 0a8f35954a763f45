import { describe, expect, it } from 'vitest';
import { builtIn, type Served, serve } from '../serving.js';
import { type Browser, CHROMIUM, FIREFOX, isThere, type Job, PageServer } from './browser.js';
import { Relay } from './relay.js';
import { expectCompressed, expectTakeover } from './takeover.js';

/** A setting of a server, and what it answers to a browser. */
interface Setting {
  readonly name: string;
  readonly mode: Job['mode'];
  readonly deflate: object;
  /** Sec-WebSocket-Extensions to a browser that offers `client_max_window_bits`, and to one that offers no parameter. */
  readonly answers: Readonly<Record<Browser['name'], string>>;
}

const NONE = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const BOTH = 'permessage-deflate';
const alike = (answer: string) => ({ chromium: answer, 'firefox-esr': answer });

const BITS = [9, 10, 11, 12, 13, 14, 15];
const withTakeover = (windowBits: number, answers: Setting['answers'], mode: Job['mode'] = 'echo'): Setting => ({
  name: `${mode}, takeover, ${windowBits} bits`,
  mode,
  deflate: { contextTakeover: true, windowBits, thresholdBytes: 0 },
  answers,
});
const limited = (windowBits: number) => ({
  chromium: `permessage-deflate; client_max_window_bits=${windowBits}`,
  'firefox-esr': 'permessage-deflate; client_no_context_takeover',
});

const SETTINGS: readonly Setting[] = [
  { name: 'echo', mode: 'echo', deflate: {}, answers: alike(NONE) },
  { name: 'echo, small', mode: 'echo', deflate: { level: 'small' }, answers: alike(NONE) },
  { name: 'broadcast', mode: 'broadcast', deflate: {}, answers: alike(NONE) },
  ...BITS.map((bits) => withTakeover(bits, bits === 15 ? alike(BOTH) : limited(bits))),
  {
    name: 'echo, takeover, full windows',
    mode: 'echo',
    deflate: { contextTakeover: true, fullWindows: true, thresholdBytes: 0 },
    answers: { chromium: limited(12).chromium, 'firefox-esr': BOTH },
  },
  withTakeover(12, limited(12), 'broadcast'),
];

/** A server for each setting, behind a relay. All are ended at the end of the block. */
class Servers implements AsyncDisposable {
  readonly all: { readonly setting: Setting; readonly served: Served; readonly relay: Relay }[] = [];

  static async start(origin: string): Promise<Servers> {
    const servers = new Servers();
    for (const setting of SETTINGS) {
      const { mode, deflate } = setting;
      const served = await serve({ handler: builtIn(mode), threads: 1, allowedOrigins: [origin], ...{ deflate } });
      servers.all.push({ setting, served, relay: await Relay.to(served.port) });
    }
    return servers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { served, relay } of this.all) {
      await relay[Symbol.asyncDispose]();
      await served[Symbol.asyncDispose]();
    }
  }
}

describe.each([CHROMIUM, FIREFOX])('$name', (browser) => {
  it.skipIf(!isThere(browser))('gets every message as it was sent, compressed as agreed on', async () => {
    await using page = await PageServer.listen();
    await using servers = await Servers.start(page.origin);
    const jobs = servers.all.map(({ setting: { name, mode }, relay }) => ({
      name,
      mode,
      url: `ws://127.0.0.1:${relay.port}`,
    }));
    const reports = await page.run(browser, jobs);
    for (const [i, { setting, relay }] of servers.all.entries()) {
      const { name, answers, mode } = setting;
      const report = reports[i];
      const outcomes = report?.outcomes ?? [];
      expect(report, name).toMatchObject({ name, outcomes: outcomes.map(() => ({ wrong: [] })) });
      expect(outcomes, report?.error).toHaveLength(mode === 'echo' ? 2 : 1);
      const answer = answers[browser.name];
      expect(relay.answered('Sec-WebSocket-Extensions'), name).toEqual(relay.connections.map(() => answer));
      // The browser took the answer for what it is: it names the extension, or the extension with its parameters.
      for (const extensions of report?.extensions ?? []) expect(extensions, name).toMatch(/^permessage-deflate/);
      if (mode !== 'echo') continue;
      expectCompressed(outcomes[0], relay.connections[0], name);
      expectTakeover(outcomes[1], relay.connections[1], name, {
        ofServer: !answer.includes('server_no_context_takeover'),
        ofClient: !answer.includes('client_no_context_takeover'),
      });
    }
  });
});
