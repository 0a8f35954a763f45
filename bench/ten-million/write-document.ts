/** Makes docs/ten-million.md from what `npm run ten-million:measure` and `npm run ten-million:simulate` have written. */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { UsageError } from '../settings.js';
import { MissingFigure } from './costs.js';
import { tenMillionMarkdown } from './document.js';
import { DOCUMENT, FIGURES, readFigures, readSimulation, SIMULATION } from './files.js';
import { isOf } from './scenarios.js';

try {
  const figures = readFigures(FIGURES);
  const simulation = readSimulation(SIMULATION);
  if (!isOf(simulation, figures))
    throw new UsageError(
      `${relative('.', SIMULATION)} is of other figures or assumptions: npm run ten-million:simulate makes it anew`,
    );
  writeFileSync(DOCUMENT, tenMillionMarkdown(figures, simulation));
  console.log(relative('.', DOCUMENT));
} catch (error) {
  if (!(error instanceof UsageError || error instanceof MissingFigure)) throw error;
  process.stderr.write(`ten-million:report: ${error.message}\n`);
  process.exitCode = 2;
}
