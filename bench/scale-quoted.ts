/** What docs/benchmarks.md and the README quote of `npm run bench -- --only scale`: made of the results, so that it cannot grow old unnoticed. */
import { figure } from '#dist/cli/table.js';
import { SOCKET_IO } from './fleets.js';
import { quoteBetween } from './quoting.js';
import type { Results } from './results.js';
import { markOf, marks, timesAsLittle } from './scale-table.js';
import { fleetName, type ScaleCaseResult, type ScaleScore } from './sections/scale.js';
import { escapeMarkdown, markdownTable } from './study/markdown.js';

const BEGIN = '<!-- npm run bench:scale writes this, from bench/results/scale.json -->';
const END = '<!-- that was written by npm run bench:scale -->';

/** The document with the figures of these results between its marks. @throws Error if it does not have both marks, once each */
export function quoteScale(document: string, results: Results): string {
  return quoteBetween(document, BEGIN, END, textOf(results));
}

/** The README with one table of these results between its marks. @throws Error if it does not have both marks, once each */
export function quoteScaleInReadme(readme: string, { scale }: Results): string {
  const head = ['topics × size', 'servers', 'deliveries/s', 'to Socket.IO', 'p50, p99 ms', 'p50, p99 ms in the other'];
  const rows = scale.cases.flatMap((result) => {
    const { bytes, topics } = result.case;
    const what = `${topics} × ${bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`}`;
    return result.scores
      .filter(({ server }) => server !== SOCKET_IO)
      .map((score) => {
        const times = timesAsLittle(result, score);
        return [what, nameOf(score), deliveries(score), times === undefined ? '' : figure(times), ...delays(score)];
      });
  });
  return quoteBetween(readme, BEGIN, END, [markdownTable(head, rows), ...markLines(scale.cases)].join('\n\n'));
}

function textOf(results: Results): string {
  const { scale, machine, commit, date, seconds } = results;
  const rounds = Math.max(0, ...scale.cases.flatMap(({ scores }) => scores.map(({ turns }) => turns.length)));
  const versions = Object.entries(scale.versions).map(([name, version]) => escapeMarkdown(`${name} ${version}`));
  const head = [
    ...['servers', 'deliveries/s', 'CPU µs a delivery, servers', 'engine', 'to Socket.IO'],
    ...['p50, p99 ms in the same process', 'p50, p99 ms in the other'],
  ];
  const parts = scale.cases.flatMap((result) => {
    const { bytes, topics, subscribers, underWay, perSecond } = result.case;
    const reach =
      topics === 1
        ? `1 topic, all ${subscribers} subscribers`
        : `${topics} topics, ${subscribers / topics} subscribers each`;
    return [
      `**${bytes} B, ${reach}**: ${underWay} publications under way; times at ${perSecond} publications/s`,
      markdownTable(
        head,
        result.scores.map((score) => rowOf(result, score)),
      ),
    ];
  });
  const source = [
    `Medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'} of ${seconds} s on ${machine.cores} cores of ${escapeMarkdown(machine.cpu)}`,
    `Node ${machine.node}`,
    `${versions.join(', ')} ([bench/results/scale.json](../bench/results/scale.json), ${date.slice(0, 10)}, commit ${commit}).`,
  ];
  return [source.join(', '), ...parts, ...markLines(scale.cases)].join('\n\n');
}

function markLines(cases: readonly ScaleCaseResult[]): string[] {
  return marks(cases).map(escapeMarkdown);
}

function rowOf(result: ScaleCaseResult, score: ScaleScore): string[] {
  const { flood, processes } = score;
  const times = timesAsLittle(result, score);
  return [
    nameOf(score),
    deliveries(score),
    figure(flood.serverMicros),
    processes === 1 ? '' : figure(flood.engineMicros),
    times === undefined ? '' : figure(times),
    ...delays(score),
  ];
}

function nameOf(score: ScaleScore): string {
  return fleetName(score).replace(' x ', ' × ');
}

/** With what is to be said of it. */
function deliveries(score: ScaleScore): string {
  const mark = markOf(score).trim();
  return `${figure(score.flood.deliveriesPerSecond)}${mark === '*' ? '\\*' : mark}`;
}

/** The median and the 99th percentile in ms, in the publisher's process and in the other. */
function delays({ paced }: ScaleScore): string[] {
  return [paced.own, paced.across].map((of) =>
    of === undefined ? '' : `${figure(of.p50Micros / 1000)}, ${figure(of.p99Micros / 1000)}`,
  );
}
