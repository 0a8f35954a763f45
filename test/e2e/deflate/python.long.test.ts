import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Command } from '../../cli/command.js';
import { arePeersRequired } from '../installed.js';
import { builtIn, serve } from '../serving.js';
import { channelTo } from './client-channel.js';
import { echoAll, type Outcome, repeat } from './echoing.js';
import { Relay } from './relay.js';
import { expectCompressed, expectTakeover } from './takeover.js';

/** The Python that packages of the system are for: another one may come first in PATH. */
const PYTHON = '/usr/bin/python3';
const PEER = fileURLToPath(new URL('peer.py', import.meta.url));

const isThere = spawnSync(PYTHON, ['-c', 'import websockets'], { stdio: 'ignore' }).status === 0;
if (!isThere && arePeersRequired) throw new Error('python3-websockets is not installed');

/** A line of the client of `peer.py`. */
interface Line {
  readonly takeover: boolean;
  readonly bits: number;
  readonly all: Exchange;
  readonly same: Exchange;
}

interface Exchange {
  /** The names of the extensions. */
  readonly agreed: readonly string[];
  readonly outcome: Outcome;
}

/** The settings of `peer.py`. */
const SETTINGS = 14;

describe.skipIf(!isThere)("Python's websockets", () => {
  it('is echoed as a client, in all settings', async () => {
    const deflate = { contextTakeover: true, windowBits: 15, fullWindows: true, thresholdBytes: 0 };
    await using served = await serve({ handler: builtIn('echo'), threads: 1, ...{ deflate } });
    await using relay = await Relay.to(served.port);
    const urls = Array.from({ length: SETTINGS }, () => `ws://127.0.0.1:${relay.port}/`);
    await using client = new Command(PYTHON, [PEER, 'client', ...urls]);
    expect(await client.ended, client.stderr).toBe(0);
    const lines = client.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    expect(lines).toHaveLength(SETTINGS);
    for (const [i, { takeover, bits, all, same }] of lines.entries()) {
      const name = `takeover: ${takeover}, ${bits} bits`;
      expect([all.agreed, same.agreed], name).toEqual([['permessage-deflate'], ['permessage-deflate']]);
      expectCompressed(all.outcome, relay.connections[2 * i], name);
      expectTakeover(same.outcome, relay.connections[2 * i + 1], name, { ofServer: takeover, ofClient: takeover });
    }
  });

  it('echoes our client as a server, in all settings', async () => {
    await using server = new Command(PYTHON, [PEER, 'server']);
    const [line] = await server.says('stdout', /^\[.*\]\n/);
    const settings = JSON.parse(line) as { readonly takeover: boolean; readonly bits: number; readonly port: number }[];
    expect(settings).toHaveLength(SETTINGS);
    for (const { takeover, bits, port } of settings) {
      await using relay = await Relay.to(port);
      const url = `ws://127.0.0.1:${relay.port}/`;
      const deflate = { contextTakeover: takeover, windowBits: bits, thresholdBytes: 0 };
      const all = await channelTo(url, deflate);
      const outcome = await echoAll(all);
      all.close();
      const same = await channelTo(url, deflate);
      const repeated = await repeat(same);
      same.close();
      const name = `takeover: ${takeover}, ${bits} bits`;
      expectCompressed(outcome, relay.connections[0], name);
      expectTakeover(repeated, relay.connections[1], name, { ofServer: takeover, ofClient: takeover });
    }
  });
});
