import { readFileSync } from 'node:fs';
import { parse, parseAllDocuments } from 'yaml';
import { ROOT } from '../documents.js';

/** The text of a file of docs/deploy. */
export function deployFile(name: string): string {
  return readFileSync(`${ROOT}docs/deploy/${name}`, 'utf8');
}

/** What a file of YAML or JSON says. Keys may not come twice. */
export function deployed<T>(name: string): T {
  return parse(deployFile(name), { merge: true, strict: true }) as T;
}

/** All documents of a file of YAML. */
export function allDeployed(name: string): unknown[] {
  return parseAllDocuments(deployFile(name), { strict: true }).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS() as unknown;
  });
}

/** An alert rule of alerts.yml. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export function alertRules(): readonly AlertRule[] {
  return deployed<{ readonly groups: readonly { readonly rules: readonly AlertRule[] }[] }>(
    'alerts.yml',
  ).groups.flatMap(({ rules }) => rules);
}

/** A panel of grafana.json. A row is a heading, and has no queries. */
export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

export interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
  };
}

export const dashboard = () => deployed<Dashboard>('grafana.json');

/** The queries of the dashboard by the titles of their panels, as Grafana sends them for all servers. */
export function dashboardQueries(): { readonly title: string; readonly expr: string }[] {
  return dashboard().panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      title,
      expr: expr.replaceAll(/"\$(job|instance)"/g, '".+"').replaceAll('$__rate_interval', '1m'),
    })),
  );
}
