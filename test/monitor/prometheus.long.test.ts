import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pass } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderMetrics } from '../../dist/monitor/render-metrics.js';
import { Command } from '../cli/command.js';
import { dashboardQueries, deployFile } from '../docs/deploy/deploy-files.js';
import { snippetsOf } from '../docs/documents.js';
import { arePeersRequired, pathOf } from '../e2e/installed.js';
import { builtIn, type Served, serve } from '../e2e/serving.js';
import { answers, freePort } from '../ports.js';
import { sourcesOf } from './sources.js';

/** How often Prometheus scrapes, and for how long: a minute. */
const SCRAPES = 60;

/** Whether a program of Prometheus is installed. Where it has to be, it throws if it is not. */
function isInstalled(name: 'promtool' | 'prometheus'): boolean {
  if (pathOf(name) !== undefined) return true;
  if (arePeersRequired) throw new Error(`${name} is not installed`);
  return false;
}

const SNIPPETS = snippetsOf('docs/observe.md');
const fileOf = (name: string) => SNIPPETS.find(({ file }) => file === name)?.text ?? '';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsloom-prometheus-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs promtool. @returns all that it says, and how it ends */
async function promtool(
  args: readonly string[],
  input = '',
): Promise<{ readonly said: string; readonly code: number }> {
  const tool = spawn(pathOf('promtool') as string, args, { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<number>((resolve) => tool.on('close', (code) => resolve(code ?? -1)));
  tool.stdin.end(input);
  const [out, err, code] = await Promise.all([text(tool.stdout), text(tool.stderr), ended]);
  return { said: out + err, code };
}

describe.skipIf(!isInstalled('promtool'))('promtool', () => {
  it.each([0, 2])('finds nothing wrong with the metrics of a server, with threads: %i', async (threads) => {
    await using served = await serve({ handler: builtIn('echo'), adminPort: 0, threads });
    const metrics = await (await fetch(`${served.server.adminAddress()?.url}/metrics`)).text();
    expect(await promtool(['check', 'metrics'], metrics)).toEqual({ said: '', code: 0 });
  });

  it('finds nothing wrong with any metric that there is', async () => {
    expect(await promtool(['check', 'metrics'], renderMetrics(sourcesOf(), 'text'))).toEqual({ said: '', code: 0 });
  });

  it('would find something wrong', async () => {
    const { code } = await promtool(['check', 'metrics'], '# TYPE x_count counter\nx_count 1\n');
    expect(code).not.toBe(0);
  });

  it('takes the configuration and the alerts of the docs', async () => {
    writeFileSync(join(folder, 'prometheus.yml'), fileOf('prometheus.yml'));
    for (const name of ['alerts.yml', 'alerts.test.yml']) writeFileSync(join(folder, name), deployFile(name));
    const config = await promtool(['check', 'config', 'prometheus.yml']);
    expect(config.said).toMatch(/SUCCESS/);
    expect(config.code).toBe(0);
    const rules = await promtool(['check', 'rules', 'alerts.yml']);
    expect(rules.said).toMatch(/SUCCESS: \d+ rules found/);
    expect(rules.code).toBe(0);
    expect(await promtool(['test', 'rules', 'alerts.test.yml'])).toMatchObject({ code: 0 });
  });

  it('would find that an alert does not fire', async () => {
    writeFileSync(join(folder, 'alerts.yml'), deployFile('alerts.yml').replace('up{job="wsloom"} == 0', 'up > 1'));
    writeFileSync(join(folder, 'alerts.test.yml'), deployFile('alerts.test.yml'));
    const { said, code } = await promtool(['test', 'rules', 'alerts.test.yml']);
    expect(said).toContain('WsloomDown');
    expect(code).not.toBe(0);
  });
});

/** Whether a Prometheus takes queries. It listens before that. */
async function isReady(port: number): Promise<boolean> {
  return (await answers(port)) && (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok;
}

/** A Prometheus that scrapes a server once a second, with the alerts of the docs. */
class Prometheus implements AsyncDisposable {
  readonly #command: Command;
  readonly #url: string;

  private constructor(command: Command, port: number) {
    this.#command = command;
    this.#url = `http://127.0.0.1:${port}`;
  }

  static async scraping({ server }: Served): Promise<Prometheus> {
    const port = await freePort();
    const configuration = fileOf('prometheus.yml')
      .replace('127.0.0.1:9464', `127.0.0.1:${server.adminAddress()?.port}`)
      .replace('scrape_interval: 15s', 'scrape_interval: 1s');
    const global = 'global:\n  evaluation_interval: 1s\nrule_files: [alerts.yml]\n';
    writeFileSync(join(folder, 'scraping.yml'), global + configuration);
    writeFileSync(join(folder, 'alerts.yml'), deployFile('alerts.yml'));
    const args = ['--config.file=scraping.yml', '--storage.tsdb.path=data', '--log.level=warn'];
    const listen = `--web.listen-address=127.0.0.1:${port}`;
    const command = new Command(pathOf('prometheus') as string, [...args, listen], { cwd: folder });
    let hasEnded = false;
    void command.ended.then(() => {
      hasEnded = true;
    });
    while (!hasEnded && !(await isReady(port))) await pass(50);
    expect(hasEnded, command.stderr).toBe(false);
    return new Prometheus(command, port);
  }

  /** The values of a query, of all series. @throws if the query cannot be evaluated */
  async query(expression: string): Promise<number[]> {
    const response = await fetch(`${this.#url}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { status, error, data } = (await response.json()) as {
      readonly status: string;
      readonly error?: string;
      readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
    };
    if (status !== 'success') throw new Error(`${expression}: ${error}`);
    return data.result.map(({ value }) => Number(value[1]));
  }

  /** The state of each alert, and whether it could be evaluated. */
  async rules(): Promise<{ readonly name: string; readonly state: string; readonly health: string }[]> {
    const response = await fetch(`${this.#url}/api/v1/rules`);
    const { data } = (await response.json()) as {
      readonly data: {
        readonly groups: readonly { readonly rules: readonly { name: string; state: string; health: string }[] }[];
      };
    };
    return data.groups.flatMap(({ rules }) => rules);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#command[Symbol.asyncDispose]();
  }
}

describe.skipIf(!isInstalled('prometheus'))('a Prometheus', () => {
  it('scrapes a server under load for a minute, and misses no scrape', async () => {
    await using served = await serve({ handler: builtIn('echo'), adminPort: 0, threads: 2, poison: false });
    await using load = Command.run('load', served.url, '-c', '20', '-d', '600', '--warmup', '0');
    await using prometheus = await Prometheus.scraping(served);
    for (;;) {
      const [scrapes = 0] = await prometheus.query('count_over_time(up[10m])');
      if (scrapes >= SCRAPES) break;
      expect(load.process.exitCode, load.stderr).toBeNull();
      await pass(1000);
    }
    expect(await prometheus.query('min_over_time(up[10m])')).toEqual([1]);
    expect(await prometheus.query('resets(wsloom_uptime_seconds[10m])')).toEqual([0]);
    expect((await prometheus.query('sum(rate(wsloom_messages_total{direction="received"}[1m]))'))[0]).toBeGreaterThan(
      0,
    );
    expect(await prometheus.query('sum(wsloom_connections)')).toEqual([20]);
    const counted = await prometheus.query('sum(wsloom_message_bytes_count{direction="received"})');
    expect(counted[0]).toBeGreaterThan(0);
    // What the docs ask, and the alerts of the docs.
    const queries = (SNIPPETS.find(({ text }) => text.startsWith('messages received per second'))?.text ?? '')
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/)[1] ?? '');
    expect(queries.length).toBeGreaterThan(4);
    for (const query of queries) await prometheus.query(query);
    for (const { title, expr } of dashboardQueries()) {
      const values = await prometheus.query(expr);
      if (!MAY_BE_EMPTY.test(title)) expect(values.length, `${title}: ${expr}`).toBeGreaterThan(0);
    }
    const rules = await prometheus.rules();
    expect(rules.length).toBeGreaterThan(5);
    for (const { name, health, state } of rules) {
      expect(health, name).toBe('ok');
      if (!MAY_FIRE.includes(name)) expect(state, name).toBe('inactive');
    }
  });
});

/** Alerts about a machine that has more to do than it can. */
const MAY_FIRE: readonly string[] = ['WsloomLoopLate', 'WsloomThreadBlocked'];

/** Panels about what this server has not: TLS, a backplane, and connections that were closed. */
const MAY_BE_EMPTY = /^(Days of certificates|Engines.*|Closed per second.*)$/;
