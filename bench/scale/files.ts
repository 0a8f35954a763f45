/** The files that docs/ten-million.md is made from, and the document itself. */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BENCH, ROOT } from '../paths.js';
import { UsageError } from '../settings.js';
import type { ScaleFigures } from './figures-file.js';
import type { Simulation } from './scenarios.js';

export const FIGURES = fileURLToPath(new URL('results/scale-figures.json', BENCH));
export const SIMULATION = fileURLToPath(new URL('results/scale-simulation.json', BENCH));
export const DOCUMENT = fileURLToPath(new URL('docs/ten-million.md', ROOT));

/** @throws UsageError if there is no such file */
export function readFigures(file: string): ScaleFigures {
  return read(file, 'npm run scale:figures') as ScaleFigures;
}

/** @throws UsageError if there is no such file */
export function readSimulation(file: string): Simulation {
  return read(file, 'npm run scale:simulate') as Simulation;
}

function read(file: string, command: string): unknown {
  if (!existsSync(file)) throw new UsageError(`there is no ${relative('.', file)}: ${command} writes it`);
  return JSON.parse(readFileSync(file, 'utf8'));
}
