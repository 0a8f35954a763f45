import { createProgram } from '../../../dist/cli/program.js';
import { allDeployed, deployed, deployFile } from './deploy-files.js';

/** What `wsloom serve` takes from its arguments. */
export interface ServeSettings {
  readonly handler: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** The three times of the end together, in seconds, and the two more of a backplane. */
  readonly endSeconds: number;
}

/** Reads a command as `wsloom serve` does. @throws if it is not one, or has a flag or a value that there is not. */
export function readServe(words: readonly string[]): ServeSettings {
  const at = words.indexOf('serve');
  if (!/\bnode$/.test(words[0] ?? '') || !/wsloom\/dist\/cli\.js$/.test(words[at - 1] ?? '')) {
    throw new Error(`no wsloom serve: ${words.join(' ')}`);
  }
  const command = createProgram([]).commands.find((one) => one.name() === 'serve');
  const { operands, unknown } = command?.parseOptions(words.slice(at + 1)) ?? { operands: [], unknown: ['serve'] };
  if (unknown.length > 0 || operands.length !== 1) throw new Error(`unknown: ${[...unknown, ...operands].join(' ')}`);
  const options = command?.opts() ?? {};
  // What is given is a number of ms, and what is not is a text for --help.
  const times = ['shutdownDelay', 'drainSpread', 'drain'].map((name) => {
    if (typeof options[name] !== 'number') throw new Error(`${name} is not given`);
    return options[name];
  });
  return {
    handler: operands[0] ?? '',
    options,
    endSeconds: times.reduce((sum, ms) => sum + ms, 0) / 1000 + 2,
  };
}

/** A unit of systemd: the values of each key, in their order, without sections. */
export function readUnit(text = deployFile('wsloom.service')): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const line of text
    .replaceAll(/^[#;].*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n')) {
    const [, key, value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (key !== undefined) values.set(key, [...(values.get(key) ?? []), value]);
    else if (!/^(\[\w+\])?$/.test(line)) throw new Error(`neither a key nor a section: ${line}`);
  }
  return values;
}

/** A service of Compose, as far as tests look at it. */
export interface ComposeService {
  readonly build?: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly env_file?: string;
  readonly secrets?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly networks?: { readonly default: { readonly ipv4_address: string } };
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly secrets?: Readonly<Record<string, { readonly file: string }>>;
}

export const compose = (name: string) => deployed<ComposeFile>(name);

interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string };
  readonly tcpSocket?: { readonly port: string };
  readonly periodSeconds?: number;
  readonly failureThreshold?: number;
}

export interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly valueFrom: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
  }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly resources: { readonly requests: { readonly cpu: string; readonly memory: string } };
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

/** A Deployment or a StatefulSet. */
export interface Workload {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly replicas: number;
    readonly serviceName?: string;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly strategy?: { readonly rollingUpdate: { readonly maxUnavailable: number; readonly maxSurge: number } };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly terminationGracePeriodSeconds?: number;
        readonly securityContext: { readonly runAsNonRoot: boolean };
        readonly containers: readonly Container[];
        readonly volumes?: readonly { readonly name: string; readonly secret: { readonly secretName: string } }[];
      };
    };
  };
}

interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

export interface Secret extends KubernetesObject {
  readonly stringData: Readonly<Record<string, string>>;
}

export interface Service extends KubernetesObject {
  readonly spec: {
    readonly selector: Readonly<Record<string, string>>;
    readonly clusterIP?: string;
    readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[];
  };
}

/** The objects of a file for Kubernetes. */
export class Manifest {
  readonly objects: readonly KubernetesObject[];

  constructor(name: string) {
    this.objects = allDeployed(name) as KubernetesObject[];
  }

  /** @throws if there is none. */
  find<T extends { readonly kind: string }>(kind: string, name: string): T {
    const found = this.objects.find((one) => one.kind === kind && one.metadata.name === name);
    if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
    return found as unknown as T;
  }

  get workloads(): readonly Workload[] {
    return this.objects.filter(({ kind }) => ['Deployment', 'StatefulSet'].includes(kind)) as unknown as Workload[];
  }

  /** The container of wsloom. */
  get chat(): Container {
    return containerOf(this.find<Workload>('Deployment', 'chat'));
  }

  /** The workload of the engine. */
  get engine(): Workload {
    const found = this.workloads.find(({ metadata }) => metadata.name !== 'chat');
    if (found === undefined) throw new Error('there is no engine');
    return found;
  }

  /** The configuration of the engine. */
  get engineLines(): readonly string[] {
    const { name } = this.engine.metadata;
    return (this.find<Secret>('Secret', name).stringData[`${name}.conf`] ?? '').trim().split('\n');
  }
}

/** The only container of a workload. */
export function containerOf({ metadata, spec }: Workload): Container {
  const { containers } = spec.template.spec;
  const [container] = containers;
  if (container === undefined || containers.length !== 1) throw new Error(`${metadata.name} has not one container`);
  return container;
}
