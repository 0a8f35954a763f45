/** Simulates storms of reconnects and topics of a million: see {@link HELP}. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { table } from '#dist/cli/table.js';
import { UsageError } from '../settings.js';
import { NODE } from './assumptions.js';
import { MissingFigure } from './costs.js';
import type { Figures } from './figures-file.js';
import { FIGURES, readFigures, SIMULATION } from './files.js';
import { type Simulation, stormOptions, stormScenarios, topicOptions, topicScenarios } from './scenarios.js';
import { HELP, parseSimulateSettings, type SimulateSettings } from './simulate-settings.js';
import { simulateStorm } from './storm.js';
import { STORM_HEAD, stormName, stormRow, TOPIC_HEAD, topicRow } from './tables.js';
import { simulateTopic } from './topic.js';

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function main(args: readonly string[]): void {
  try {
    run(parseSimulateSettings(args));
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof MissingFigure)) throw error;
    say(`ten-million:simulate: ${error.message} (--help lists the options)`);
    process.exitCode = 2;
  }
}

function run(settings: SimulateSettings): void {
  if (settings.kind === 'help') {
    process.stdout.write(`${HELP}\n`);
    return;
  }
  const figures = readFigures(settings.figures ?? FIGURES);
  if (settings.kind === 'all') simulateAll(figures, settings.out ?? SIMULATION);
  else if (settings.kind === 'storm') {
    const options = { ...stormOptions(figures, NODE, settings.handshake), ...settings.options };
    show(options, STORM_HEAD, stormRow('storm', options.connections, simulateStorm(options)));
  } else {
    const own = topicOptions(figures, settings.bytes, settings.options.nodes ?? 4);
    const options = { ...own, ...settings.options };
    show(options, TOPIC_HEAD, topicRow(options, simulateTopic(options)));
  }
}

function simulateAll(figures: Figures, file: string): void {
  const simulation: Simulation = {
    storms: stormScenarios(figures).map((scenario) => {
      const result = simulateStorm(scenario.options);
      say(
        `${scenario.fleet}, ${stormName(scenario)}, sign-in ${scenario.signIn}: all back after ${result.allSeconds?.toFixed(1) ?? 'no'} s`,
      );
      return { ...scenario, result };
    }),
    topics: topicScenarios(figures).map((scenario) => ({ ...scenario, result: simulateTopic(scenario.options) })),
  };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(simulation, null, 2)}\n`);
  say(`written to ${relative('.', file)}; npm run ten-million:report makes docs/ten-million.md of it`);
}

function show(options: object, head: readonly string[], row: readonly string[]): void {
  say(JSON.stringify(options));
  // One result is read from top to bottom.
  const rows = head.slice(1).map((title, i) => [title, row[i + 1] ?? '']);
  process.stdout.write(`${table([row[0] ?? '', ''], rows)}\n`);
}

main(process.argv.slice(2));
