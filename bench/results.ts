import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Machine } from './machine.js';
import type { ConnectionsResult } from './sections/connections.js';
import type { DeflateResults } from './sections/deflate.js';
import type { HttpResult } from './sections/http.js';
import type { KernelResult } from './sections/kernels.js';
import type { ScaleResults } from './sections/scale.js';
import type { ScrapeResult } from './sections/scrapes.js';
import type { ScalingResult } from './sections/scaling.js';
import type { StormResult } from './sections/storms.js';
import type { CaseResult } from './sections/throughput.js';
import type { TlsResults } from './sections/tls.js';

/** All results of a run, as they are written. A section that was not run is empty. */
export interface Results {
  /** When the run began, ISO 8601. */
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  /** The versions of the servers that took part, by name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly seconds: number;
  readonly isQuick: boolean;
  /** Whether server and load had a core each, in throughput and connections. */
  readonly isPinned: boolean;
  readonly throughput: readonly CaseResult[];
  readonly connections: readonly ConnectionsResult[];
  readonly tls: TlsResults;
  readonly deflate: DeflateResults;
  readonly storms: readonly StormResult[];
  readonly scrapes: readonly ScrapeResult[];
  readonly scale: ScaleResults;
  readonly scaling: readonly ScalingResult[];
  readonly http: readonly HttpResult[];
  readonly kernels: readonly KernelResult[];
  /** What could not be measured, and why. */
  readonly failures: readonly string[];
}

export function writeResults(file: string, results: Results): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
}
