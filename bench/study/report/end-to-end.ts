import { figure } from '#dist/cli/table.js';
import { median } from '../../statistics.js';
import { type Engine, mainNodeOf, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import type { EndToEndResult, Study } from '../results.js';
import {
  ALONE_BYTES,
  baseOf,
  comparison,
  gainsAlone,
  gainsOf,
  isSameLoad,
  type Metric,
  marksOf,
  serverFigure,
  standing,
} from '../servers.js';
import { caseName } from './load-name.js';
import { gainsInServer, notInGains } from './gains.js';
import { paragraph, times } from './wording.js';

export function endToEnd(study: Study, engines: readonly Engine[]): string {
  const node = mainNodeOf(study);
  const results = study.endToEnd.filter(({ threads }) => threads === 1);
  if (results.length === 0) return 'No servers were measured.';
  const kernels = ['js', 'wasm', 'native', 'auto'];
  const cases = [...new Set(results.map(caseName))];
  const rows = cases.map((name) => [
    name,
    ...kernels.map((kernel) => {
      const result = results.find((one) => one.kernel === kernel && caseName(one) === name);
      if (result === undefined) return '–';
      const how = standing(result, baseOf(results, result));
      const spread = result.turns.length < 2 ? '' : ` ±${Math.round(spreadOf(result, how.metric) * 100)} %`;
      const worth = kernel === 'js' ? '' : ` (${figure(comparison(results, result)?.value ?? Number.NaN)})`;
      return `${figure(serverFigure(result).perSecond.value)}${worth}${marksOf(how)}${spread}`;
    }),
  ]);
  const gains = gainsOf(results, 'auto');
  const alone = gainsAlone(results, 'auto').map(({ result, value }) => `${times(value)} at ${size(result.bytes)}`);
  const rounds = Math.min(...results.map(({ turns }) => turns.length));
  return [
    '![What a kernel is worth in the server: the table below has the figures](results/study-end-to-end.svg)',
    `Echoes per second of one core (server and load generator are bound to one each), and in brackets how many times as many as with
\`--kernel js\`. \`*\`: the client was the limit of this server or of the one with \`js\`, and CPU time per message is compared, not echoes. \`!\`: something
else used a part of the cores of one of the two, in most rounds.${sometimesDisturbed(results)}${
      rounds > 1
        ? ` ${rounds} rounds,
far apart: each figure is from the lower quartile of the time for a message. Behind \`±\` is half of the distance from the upper quartile to the
best round, of what is compared; \`~\`: of that, the middle round of one of the two takes more than a tenth longer than its best. Sentences leave out
what has \`~\` or \`!\`.`
        : ''
    }`,
    markdownTable(['connections × size', ...kernels.map((kernel) => `\`${kernel}\``)], rows),
    paragraph(
      gains.length < 2
        ? ''
        : `In the middle of ${gains.length} kinds of load the server carries ${times(median(gains.map(({ value }) => value)))} as much with \`auto\` as with \`js\`.`,
      gainsInServer(results) === ''
        ? ''
        : paragraph(`From ${size(ALONE_BYTES)} on it is ${gainsInServer(results)}.`, notInGains(results)),
      alone.length === 0
        ? ''
        : `Where unmasking is all that differs, which is so for binary messages from ${size(ALONE_BYTES)} on, it is ${alone.join(', ')}.${sameCode(results)}`,
      'With small messages more than unmasking and validation differs: WASM also finds headers and gathers replies, in one call for a whole read. The `js` kernel does not.',
    ),
    paragraph(nativeKernel(engines, node), otherNode(engines, node)),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** The first version of Node that unmasks by itself: major and minor. */
const UNMASKS_FROM = [26, 12] as const;

function isFrom(version: string, [major, minor]: readonly [number, number]): boolean {
  const [, ...own] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  const [ownMajor = 0, ownMinor = 0] = own.map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

/** What `native` is on the engine of the servers, which need not have all of it. */
function nativeKernel(engines: readonly Engine[], version: string): string {
  const engine = engines.find(({ result }) => result.version === version);
  const isWhole = engine?.candidates('unmask').includes('websocketUnmask') ?? isFrom(version, UNMASKS_FROM);
  return isWhole
    ? `\`native\` is native code on Node ${version}, on which the servers ran: \`http.websocketUnmask\` unmasks, and \`buffer.isUtf8\` validates.`
    : `\`native\` is native only in part on Node ${version}, on which the servers ran: \`buffer.isUtf8\` validates, but WASM unmasks, because Node has native unmasking only from ${UNMASKS_FROM.join('.')} on. So for binary messages \`native\` is WASM.`;
}

/** What of the engines above the servers did not run on. */
function otherNode(engines: readonly Engine[], version: string): string {
  const major = (text: string) => Number(/^v?(\d+)/.exec(text)?.[1] ?? 0);
  const [newest] = engines
    .filter(({ name }) => /^Node \d/.test(name))
    .toSorted((one, other) => major(other.result.version) - major(one.result.version));
  if (newest === undefined || major(newest.result.version) <= major(version)) return '';
  return `They did not run on ${newest.name}, the newest Node that the kernels were measured on: there these figures may be others.`;
}

/** What one round that was disturbed may have done to a figure without a mark. */
function sometimesDisturbed(results: readonly EndToEndResult[]): string {
  const some = results.filter(
    (result) => result.turns.some((turn) => turn.isDisturbed) && !serverFigure(result).isDisturbed,
  );
  if (some.length === 0) return '';
  return ` In ${some.length} of ${results.length} servers fewer
rounds were: they have no mark, and the lower quartile leaves such a round out, but \`±\` may not.`;
}

/** How far two kernels are apart that run the same code: differences that are not greater say nothing. */
function sameCode(results: readonly EndToEndResult[]): string {
  const gains = gainsAlone(results, 'auto').flatMap(({ result, value }) => {
    const wasm = gainsAlone(results, 'wasm').find((one) => isSameLoad(one.result, result));
    return wasm === undefined ? [] : [Math.max(value / wasm.value, wasm.value / value)];
  });
  return gains.length === 0
    ? ''
    : ` \`wasm\` and \`auto\` run the same code for these, and differ by up to ${((Math.max(...gains) - 1) * 100).toFixed(1)} %: no smaller difference says anything.`;
}

/** Half of the spread of what is compared, as a part of it. */
function spreadOf(result: EndToEndResult, metric: Metric): number {
  const { perSecond, micros } = serverFigure(result);
  if (metric === 'CPU time') return (micros.upper - micros.least) / 2 / micros.value;
  return (perSecond.high - perSecond.low) / 2 / perSecond.value;
}
