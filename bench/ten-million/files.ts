/** The files that docs/ten-million.md is made from, and the document itself. */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BENCH, ROOT } from '../paths.js';
import { UsageError } from '../settings.js';
import type { Figures } from './figures-file.js';
import type { Simulation } from './scenarios.js';

export const FIGURES = fileURLToPath(new URL('results/ten-million-figures.json', BENCH));
export const SIMULATION = fileURLToPath(new URL('results/ten-million-simulation.json', BENCH));
export const DOCUMENT = fileURLToPath(new URL('docs/ten-million.md', ROOT));

/** @throws UsageError if there is no such file */
export function readFigures(file: string): Figures {
  return read(file, 'npm run ten-million:measure') as Figures;
}

/** @throws UsageError if there is no such file */
export function readSimulation(file: string): Simulation {
  return read(file, 'npm run ten-million:simulate') as Simulation;
}

function read(file: string, command: string): unknown {
  if (!existsSync(file)) throw new UsageError(`there is no ${relative('.', file)}: ${command} writes it`);
  return JSON.parse(readFileSync(file, 'utf8'));
}
