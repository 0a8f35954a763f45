import { describe, expect, it } from 'vitest';
import { ADMIN_TOKEN_VARIABLE } from '../../../dist/cli/admin-flags.js';
import { BACKPLANE_VARIABLE } from '../../../dist/cli/backplane-flags.js';
import { textOf } from '../documents.js';
import { deployFile } from './deploy-files.js';
import { Dockerfile } from './dockerfile.js';
import { type ComposeService, compose, containerOf, Manifest, readServe, readUnit, type Secret } from './manifests.js';
import type { Service, Workload } from './manifests.js';

const HANDLER = 'chat.mjs';
const dockerfile = new Dockerfile();
const [PORT = 0, ADMIN_PORT = 0] = dockerfile.exposed;

it('the check of commands finds flags and values that there are not, and times that are not given', () => {
  const serve = (...args: string[]) => readServe(['node', 'wsloom/dist/cli.js', 'serve', HANDLER, ...args]);
  const times = ['--shutdown-delay', '1', '--drain-spread', '2', '--drain', '3'];
  expect(serve(...times).endSeconds).toBe(8);
  expect(() => serve(...times, '--nope')).toThrow('unknown: --nope');
  expect(() => serve(...times, '--port', 'x')).toThrow();
  expect(() => serve('--drain', '3')).toThrow('shutdownDelay is not given');
  expect(() => readServe(['npx', 'wsloom', 'serve', HANDLER])).toThrow('no wsloom serve');
});

describe('wsloom.service', () => {
  const unit = readUnit();
  const one = (key: string) => {
    expect(unit.get(key), key).toHaveLength(1);
    return unit.get(key)?.[0] ?? '';
  };

  it('starts node itself, with flags that there are, in the folder of the application', () => {
    const { handler, options } = readServe(one('ExecStart').split(/ +/));
    expect(handler).toBe(HANDLER);
    expect(options).toMatchObject({ port: PORT, adminPort: ADMIN_PORT });
    expect(one('WorkingDirectory')).toMatch(/^\//);
  });

  it('has more time for its end than the end takes, and signals that the server knows', () => {
    expect(Number(one('TimeoutStopSec'))).toBeGreaterThan(readServe(one('ExecStart').split(/ +/)).endSeconds);
    expect(one('KillSignal')).toBe('SIGTERM');
    expect(one('ExecReload')).toBe('/bin/kill -HUP $MAINPID');
  });

  it('is started again after all but wrong usage', () => {
    expect([one('Restart'), one('RestartPreventExitStatus')]).toEqual(['on-failure', '2']);
    expect(textOf('docs/run.md')).toMatch(/^\| 2 \| wrong usage.*\| no: /m);
  });

  it('lets V8 compile, and is hardened otherwise', () => {
    expect(one('MemoryDenyWriteExecute')).toBe('no');
    expect([one('NoNewPrivileges'), one('DynamicUser'), one('ProtectSystem')]).toEqual(['yes', 'yes', 'strict']);
    expect(one('CapabilityBoundingSet')).toBe('');
  });

  it('names only variables that the server reads', () => {
    const named = deployFile('wsloom.service').match(/\bWSLOOM_\w+/g);
    expect(new Set(named)).toEqual(new Set([BACKPLANE_VARIABLE, ADMIN_TOKEN_VARIABLE]));
  });
});

describe('the Dockerfile', () => {
  it('starts node itself, without a shell, with flags that there are', () => {
    const { handler, options } = readServe([...dockerfile.entrypoint, ...dockerfile.command]);
    expect(handler).toBe(HANDLER);
    expect(options).toMatchObject({ host: '0.0.0.0', port: PORT, adminPort: ADMIN_PORT });
  });

  it('asks the admin port for the health', () => {
    const [program, flag, script = ''] = dockerfile.healthcheck;
    expect([program, flag]).toEqual(['node', '-e']);
    expect(script).toContain(`http://127.0.0.1:${ADMIN_PORT}/healthz`);
  });

  it('does not run as root', () => {
    expect(dockerfile.user).toBe('node');
  });

  it('has a version of Node that the package takes', () => {
    for (const { image } of dockerfile.stages) expect(Number(/^node:(\d+)-slim$/.exec(image)?.[1])).toBeGreaterThan(20);
  });
});

const inSeconds = (text = '') => Number(/^(\d+)s$/.exec(text)?.[1]);
/** The whole command of a container: arguments stand behind the entry point of the image. */
const commandOf = (args: readonly string[] = []) => readServe([...dockerfile.entrypoint, ...args]);

const COMPOSE_FILES = ['compose.yml', 'compose-nats.yml', 'compose-redis.yml'] as const;

describe.each(COMPOSE_FILES)('%s', (name) => {
  const { services, secrets = {} } = compose(name);
  const servers = Object.entries(services).filter(([, { build }]) => build !== undefined);

  it('has servers with flags that there are, and more time for their end than it takes', () => {
    expect(servers.length).toBe(name === 'compose.yml' ? 1 : 2);
    for (const [, { command, stop_grace_period }] of servers) {
      expect(inSeconds(stop_grace_period)).toBeGreaterThan(commandOf(command).endSeconds);
    }
  });

  it('names services and secrets that there are, and the files of which the page tells', () => {
    for (const { depends_on = [], secrets: used = [] } of Object.values(services)) {
      for (const one of depends_on) expect(Object.keys(services)).toContain(one);
      for (const one of used) expect(Object.keys(secrets)).toContain(one);
    }
    const files = [
      ...Object.values(secrets).map(({ file }) => file),
      ...servers.flatMap(([, one]) => one.env_file ?? []),
    ];
    for (const file of files) expect(textOf('docs/deploy/README.md')).toContain(file.replace('./', ''));
  });

  it('gives no container more than it needs', () => {
    const others = Object.values(services).filter(({ image }) => !image?.startsWith('nginx'));
    for (const one of others) expect(one).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
  });
});

it('compose.yml shows the port of WebSockets to the same machine, and no admin port', () => {
  const [{ ports } = {}] = Object.values(compose('compose.yml').services) as readonly ComposeService[];
  expect(ports).toEqual([`127.0.0.1:${PORT}:${PORT}`]);
});

describe.each(['compose-nats.yml', 'compose-redis.yml'])('%s', (name) => {
  const { services } = compose(name);
  const { proxy = {} } = services;
  const addressOf = ({ networks }: ComposeService) => networks?.default.ipv4_address;
  const servers = Object.values(services).filter(({ build }) => build !== undefined);

  it('has a proxy that goes to each server, and that alone is believed', () => {
    const { volumes, ports } = proxy;
    expect(volumes?.[0]).toMatch(/^\.\/nginx\.conf:\/etc\/nginx\/conf\.d\//);
    const [, inside] = ports?.[0]?.split(':') ?? [];
    expect(deployFile('nginx.conf')).toContain(`listen ${inside};`);
    const upstream = [...deployFile('nginx.conf').matchAll(/^ {2}server (\S+) /gm)].map(([, address]) => address);
    expect(upstream).toEqual(servers.map((one) => `${addressOf(one)}:${PORT}`));
    for (const { command } of servers) {
      expect(commandOf(command).options).toMatchObject({ trustProxy: [addressOf(proxy)] });
    }
  });

  it('has secrets in files, and none in a command', () => {
    for (const { command = [], secrets, env_file } of servers) {
      expect(env_file).toBe('./secrets/backplane.env');
      expect(commandOf(command).options).toMatchObject({ adminTokenFile: `/run/secrets/${secrets?.[0]}` });
    }
    for (const { command = [], secrets = [], image } of Object.values(services)) {
      if (image === 'chat' || secrets.length === 0) continue;
      expect(command.at(-1)).toBe(`/run/secrets/${secrets[0]}`);
    }
  });
});

describe.each(['kubernetes-nats.yml', 'kubernetes-redis.yml'])('%s', (name) => {
  const manifest = new Manifest(name);
  const { chat, engine } = manifest;
  const deployment = manifest.find<Workload>('Deployment', 'chat');
  const { spec } = deployment.spec.template;
  const { options, endSeconds } = commandOf(chat.args);

  it('has flags that there are, a thread for each core, and more time for its end than it takes', () => {
    expect(options).toMatchObject({ threads: Number(chat.resources.requests.cpu) });
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(endSeconds);
  });

  it('has ports that the server listens on, and probes that ask the admin port', () => {
    expect(chat.ports).toEqual([
      { name: 'websocket', containerPort: PORT },
      { name: 'admin', containerPort: ADMIN_PORT },
    ]);
    expect(options).toMatchObject({ port: PORT, adminPort: ADMIN_PORT, adminHost: '0.0.0.0' });
    expect(chat.startupProbe?.httpGet).toEqual({ path: '/readyz', port: 'admin' });
    expect(chat.readinessProbe?.httpGet).toEqual({ path: '/readyz', port: 'admin' });
    expect(chat.livenessProbe?.httpGet).toEqual({ path: '/healthz', port: 'admin' });
  });

  it('goes on serving for longer than it takes until a probe has noticed', () => {
    const { shutdownDelay } = options;
    const { periodSeconds = 0, failureThreshold = 0 } = chat.readinessProbe ?? {};
    expect(Number(shutdownDelay) / 1000).toBeGreaterThan(periodSeconds * failureThreshold);
  });

  it('takes its variables from a secret, and has none that the server does not read', () => {
    expect(chat.env?.map((one) => one.name)).toEqual([BACKPLANE_VARIABLE, ADMIN_TOKEN_VARIABLE]);
    for (const { valueFrom } of chat.env ?? []) {
      const secret = manifest.find<Secret>('Secret', valueFrom.secretKeyRef.name);
      expect(secret.stringData[valueFrom.secretKeyRef.key]).toMatch(/CHANGE-ME/);
    }
  });

  it('is never short of a server while others are exchanged', () => {
    expect(deployment.spec.strategy?.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 });
    const budget = manifest.find<Workload>('PodDisruptionBudget', 'chat');
    expect(budget.spec).toMatchObject({ maxUnavailable: 1, selector: deployment.spec.selector });
  });

  it('has names and labels that fit together', () => {
    for (const { spec: own, metadata } of manifest.workloads) {
      expect(own.template.metadata.labels).toEqual(own.selector.matchLabels);
      const service = manifest.find<Service>('Service', own.serviceName ?? metadata.name);
      expect(service.spec.selector).toEqual(own.selector.matchLabels);
      const ports = own.template.spec.containers.flatMap((one) => one.ports.map((port) => port.name));
      for (const { targetPort } of service.spec.ports) expect(ports).toContain(targetPort);
    }
  });

  it('has an engine with the configuration of its secret, at the addresses and with the password that servers use', () => {
    const container = containerOf(engine);
    const [volume] = engine.spec.template.spec.volumes ?? [];
    const [mount] = container.volumeMounts ?? [];
    expect(mount?.name).toBe(volume?.name);
    const secret = manifest.find<Secret>('Secret', volume?.secret.secretName ?? '');
    const [file = ''] = Object.keys(secret.stringData);
    expect(container.args.at(-1)).toBe(`${mount?.mountPath}/${file}`);
    const engineName = engine.metadata.name;
    const service = manifest.find<Service>('Service', engine.spec.serviceName ?? engineName);
    const [{ port = 0 } = {}] = service.spec.ports;
    const isSharded = engine.kind === 'StatefulSet';
    expect(service.spec.clusterIP).toBe(isSharded ? 'None' : undefined);
    const hosts = isSharded
      ? Array.from({ length: engine.spec.replicas }, (_, i) => `${engineName}-${i}.${service.metadata.name}`)
      : [engineName];
    const { backplane } = manifest.find<Secret>('Secret', 'chat').stringData;
    expect(backplane?.split(' ')).toEqual(
      hosts.map((host) => `${engineName}://chat:CHANGE-ME@${host}:${port}?prefix=chat`),
    );
    // Nobody may do more than what scale.md says.
    for (const line of textOf('docs/scale.md').split('\n')) {
      if (/^user (chat on|default)/.test(line) && engineName === 'redis' && !line.includes('cluster')) {
        expect(manifest.engineLines).toContain(line);
      }
    }
  });

  it('gives no container more than it needs', () => {
    for (const workload of manifest.workloads) {
      expect(workload.spec.template.spec.securityContext.runAsNonRoot).toBe(true);
      expect(containerOf(workload).securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });
});
