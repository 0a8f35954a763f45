import { describe, expect, it } from 'vitest';
import { nats, redis, testBackplane } from '../../dist/backplanes/index.js';
import { topicToken } from '../../dist/backplanes/topic-names.js';
import { partitionOf } from '../../dist/pubsub/topic-spread.js';
import { Command } from '../cli/command.js';
import { snippetsOf, textOf } from '../docs/documents.js';
import { pathOf } from '../e2e/installed.js';
import { until } from '../e2e/serving.js';
import { freePort } from '../ports.js';
import { Engine, isInstalled } from './engines.js';

/** A machine that is busy with other things is slow, not wrong. */
const PATIENT = { timeoutMs: 60_000 };

const PASSWORD = 'CHANGE-ME';

/** The lines of a configuration in docs/scale.md. */
const linesOf = (file: string) => {
  const [snippet] = snippetsOf('docs/scale.md').filter((one) => one.file === file);
  return (snippet?.text ?? '').split('\n');
};

describe('the least permissions of docs/scale.md', () => {
  it.skipIf(!isInstalled('nats-server'))('are enough for NATS', async () => {
    await using engine = await Engine.nats({ lines: linesOf('nats.conf') });
    await testBackplane(() => nats({ servers: engine.address, prefix: 'chat', user: 'chat', pass: PASSWORD }), PATIENT);
  });

  it.skipIf(!isInstalled('redis-server'))('are enough for Redis', async () => {
    await using engine = await Engine.redis({ lines: linesOf('redis.conf') });
    await testBackplane(
      () => redis({ nodes: engine.address, prefix: 'chat', username: 'chat', password: PASSWORD }),
      PATIENT,
    );
  });

  it.skipIf(!isInstalled('redis-server'))('are enough for a cluster of Redis', async () => {
    const cluster = ['cluster-enabled yes', `cluster-port ${await freePort()}`, 'user admin on nopass allcommands'];
    await using engine = await Engine.redis({ lines: [...linesOf('redis-cluster.conf'), ...cluster] });
    const ask = async (...args: string[]) => {
      const who = ['-p', String(engine.port), '--user', 'admin', '--pass', 'any', '--no-auth-warning'];
      await using command = new Command(pathOf('redis-cli') as string, [...who, ...args]);
      expect(await command.ended, command.stdout + command.stderr).toBe(0);
      return command.stdout;
    };
    await ask('cluster', 'addslotsrange', '0', '16383');
    await until(async () => (await ask('cluster', 'info')).includes('cluster_state:ok'));
    await testBackplane(
      () => redis({ nodes: engine.address, prefix: 'chat', username: 'chat', password: PASSWORD }),
      PATIENT,
    );
  });
});

describe('docs/scale.md', () => {
  it('shows the names that a topic has at the engines', () => {
    const topic = '/rooms/1';
    expect(textOf('docs/scale.md')).toContain(`subject \`wsloom.${topicToken(topic)}\``);
    expect(textOf('docs/scale.md')).toContain(`channel \`wsloom:{${partitionOf(topic)}}:${topicToken(topic)}\``);
  });
});
