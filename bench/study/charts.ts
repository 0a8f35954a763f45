import { NEVER_BYTES } from '#dist/kernels/thresholds.js';
import type { Content } from '#dist/study/texts.js';
import { CONFIG, INK, SCHEMA } from '../chart-style.js';
import type { Operation } from './candidates.js';
import { engineColours, KERNEL_COLOURS, styleOf } from './chart-colours.js';
import { USUAL_ALIGNMENT } from './design.js';
import { differsByDirection } from './estimate.js';
import { mapTexts } from '../plain-text.js';
import {
  candidatesOn,
  type Engine,
  enginesOf,
  FASTEST_JS_OF_VIEWS,
  isOfView,
  STEPS,
  size,
  UNSTEADY,
} from './findings.js';
import type { Figure, Study } from './results.js';
import { comparison } from './servers.js';
import { svgText } from './svg-text.js';

/** What the charts of candidates leave out: more than nine lines cannot be told apart. Ways to write the JavaScript have a chart of their own. */
const LEFT_OUT: readonly string[] = [
  'js-words-8',
  'js-words-8, closure',
  'js-view-8',
  'js-bigint',
  'js-bigint-4',
  'js-branches',
  'wasm, not relaxed',
  'wasm, constant tables',
  'auto', // it lies on the lines of those that it calls
];

/** Ways of a view that the chart of engines has. The others are in a table. */
const OF_VIEW_CHARTED: readonly string[] = ['js-words-8, kept, of a view', 'js-bigint-4, kept, of a view'];

/** A label for each power of four. */
const SIZE_LABELS =
  "datum.value >= 1048576 ? datum.value / 1048576 + ' MiB' : datum.value >= 1024 ? datum.value / 1024 + ' KiB' : datum.value + ' B'";
const SIZE_AXIS = {
  values: Array.from({ length: 12 }, (_, i) => 4 ** (i + 1)),
  labelExpr: SIZE_LABELS,
  labelAngle: -45,
  labelOverlap: false,
  labelFontSize: 11,
};
const SIZE_TITLE = 'size (logarithmic)';
const SPEED_TITLE = 'GB/s (logarithmic)';
const STEADINESS = 'cross: not steady';
/** Long enough that dashes are seen in it. */
const LEGEND = { columns: 4, symbolType: 'stroke', symbolSize: 900, symbolStrokeWidth: 2 };

/** All charts of a study, by name. Undefined if there is nothing to draw. */
export function studyCharts(measured: Study): Readonly<Record<string, object | undefined>> {
  const study = mapTexts(measured, svgText);
  return {
    unmask: speedChart(study, 'Unmasking', [['unmask', 'any', '']], isChartedFor(enginesOf(study).main)),
    javascript: speedChart(
      study,
      'Ways to unmask in JavaScript',
      [['unmask', 'any', '']],
      (name) => name.startsWith('js') && !isOfView(name),
    ),
    validate: speedChart(
      study,
      'UTF-8 validation',
      [
        ['validate', 'ascii', 'ASCII'],
        ['validate', 'json', 'JSON of several scripts'],
      ],
      isCharted,
    ),
    crossovers: crossoverChart(study),
    engines: enginesChart(study),
    'end-to-end': endToEndChart(study),
  };
}

function isCharted(candidate: string): boolean {
  return !LEFT_OUT.includes(candidate) && (!isOfView(candidate) || OF_VIEW_CHARTED.includes(candidate));
}

/** Of what is charted, only the JavaScript of a view that is the fastest on the main engine at 1 KiB: what WASM with copies is compared with. */
function isChartedFor(main: Engine): (candidate: string) => boolean {
  const fastest = main.find({ op: 'unmask', bytes: 1024, candidate: FASTEST_JS_OF_VIEWS })?.candidate;
  return (candidate) => (isOfView(candidate) ? candidate === fastest : isCharted(candidate));
}

/** The speed of a figure and its spread; none for a case that was not measured, where a line is interrupted. */
function speedOf(found: Figure | undefined): object {
  if (found === undefined) return { gbps: null, low: null, high: null, steady: true };
  const { bytes, ns, least, upper, isSteady, attempts } = found;
  return {
    gbps: bytes / ns,
    low: bytes / upper,
    high: bytes / least,
    steady: isSteady && !differsByDirection(attempts),
  };
}

/** The shape of a figure. A hollow point could not be told from a full one with a line through it. */
const SHAPE = { condition: { test: 'datum.steady', value: 'circle' }, value: 'cross' };
const SIZE = { condition: { test: 'datum.steady', value: 26 }, value: 80 };

function speedChart(
  study: Study,
  title: string,
  panels: readonly (readonly [Operation, Content | 'any', string])[],
  isDrawn: (candidate: string) => boolean,
): object | undefined {
  const { main } = enginesOf(study);
  const [[op] = ['unmask' as const]] = panels;
  const candidates = main.candidates(op).filter(isDrawn);
  const values = panels.flatMap(([, content, panel]) =>
    candidates.flatMap((candidate) =>
      main
        .values('bytes', { op, content, pattern: 'hot', alignment: USUAL_ALIGNMENT })
        .map((bytes) => ({ panel, candidate, bytes, ...speedOf(main.find({ op, content, bytes, candidate })) })),
    ),
  );
  if (values.length === 0) return undefined;
  const x = {
    field: 'bytes',
    type: 'quantitative',
    title: SIZE_TITLE,
    scale: { type: 'log', base: 2 },
    axis: SIZE_AXIS,
  };
  const y = {
    field: 'gbps',
    type: 'quantitative',
    title: SPEED_TITLE,
    scale: { type: 'log', nice: false },
    axis: { tickCount: 6, format: '~g' },
  };
  const color = {
    field: 'candidate',
    sort: candidates,
    scale: { domain: candidates, range: candidates.map((name) => styleOf(name).colour) },
    legend: LEGEND,
  };
  // With the same field and title as the colour, it has the same legend.
  const strokeDash = {
    field: 'candidate',
    sort: candidates,
    scale: { domain: candidates, range: candidates.map((name) => styleOf(name).dashes) },
    legend: LEGEND,
  };
  const present = { filter: 'datum.gbps !== null' };
  return {
    $schema: SCHEMA,
    title: {
      text: `${title}: throughput by size`,
      subtitle: `${main.name}, one thread, in cache as far as it fits; bars: spread; ${STEADINESS}`,
    },
    data: { values },
    config: CONFIG,
    facet: { column: { field: 'panel', sort: null, header: { title: null } } },
    spec: {
      width: panels.length === 1 ? 620 : 300,
      height: 340,
      layer: [
        {
          mark: { type: 'line', strokeWidth: 2, invalid: 'break-paths-show-path-domains' },
          encoding: { x, y, color, strokeDash },
        },
        {
          transform: [present],
          mark: { type: 'rule', strokeWidth: 1.5 },
          encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
        },
        {
          transform: [present],
          mark: { type: 'point', size: 26, filled: true, opacity: 1 },
          encoding: { x, y, color, shape: SHAPE, size: SIZE },
        },
      ],
    },
  };
}

/** Where "never" stands among the sizes: behind all of them. */
const NEVER_PLACE = 4 ** 13;

function crossoverChart(study: Study): object | undefined {
  const { all } = enginesOf(study);
  const values = STEPS.flatMap(([step, op, content, from, to]) =>
    all.flatMap((engine) => {
      const bytes = engine.crossover(op, content, from, to);
      if (bytes === undefined) return [];
      const steady = !engine.crossoverCell(op, content, from, to).endsWith(UNSTEADY);
      return [{ step, engine: engine.name, bytes: bytes === NEVER_BYTES ? NEVER_PLACE : bytes, steady }];
    }),
  );
  if (values.length === 0) return undefined;
  const steps = STEPS.map(([step]) => step);
  return {
    $schema: SCHEMA,
    title: {
      text: 'Where one way overtakes another',
      subtitle: [
        'the size from which on the second is the better choice (4 B: from the smallest on);',
        'the table says where it falls behind again;',
        `never: there is no such size; no point: not measured; ${STEADINESS}`,
      ],
    },
    width: 480,
    height: { step: 8 },
    data: { values },
    config: CONFIG,
    mark: { type: 'point', filled: true, opacity: 1 },
    encoding: {
      shape: SHAPE,
      size: SIZE,
      y: {
        field: 'step',
        type: 'nominal',
        sort: steps,
        scale: { domain: steps },
        title: null,
        axis: { labelLimit: 0, grid: false, ticks: false, domain: false, labelPadding: 8 },
      },
      yOffset: { field: 'engine', sort: all.map(({ name }) => name) },
      x: {
        field: 'bytes',
        type: 'quantitative',
        title: SIZE_TITLE,
        scale: { type: 'log', base: 2, domain: [4, NEVER_PLACE] },
        axis: {
          ...SIZE_AXIS,
          values: [...SIZE_AXIS.values, NEVER_PLACE],
          labelExpr: `datum.value === ${NEVER_PLACE} ? 'never' : ${SIZE_LABELS}`,
        },
      },
      color: engineColour(all),
    },
  };
}

function engineColour(all: readonly Engine[]): object {
  const names = all.map(({ name }) => name);
  return {
    field: 'engine',
    sort: names,
    scale: { domain: names, range: engineColours(names.length) },
    legend: { columns: 4 },
  };
}

/** Points, because a bar on a logarithmic axis has no beginning that means anything. */
function enginesChart(study: Study): object | undefined {
  const { all } = enginesOf(study);
  const panels = [
    ['unmask', 'any', 'unmask'],
    ['validate', 'ascii', 'UTF-8, ASCII'],
    ['validate', 'json', 'UTF-8, JSON'],
  ] as const;
  const bytes = 64 * 1024;
  const candidates = (op: Operation) => candidatesOn(all, op).filter(isCharted);
  const values = panels.flatMap(([op, content, panel]) =>
    all.flatMap((engine) =>
      candidates(op).flatMap((candidate, order) => {
        const found = engine.find({ op, content, bytes, candidate });
        return found === undefined ? [] : [{ panel, candidate, order, engine: engine.name, ...speedOf(found) }];
      }),
    ),
  );
  if (values.length === 0) return undefined;
  const y = {
    field: 'candidate',
    type: 'nominal',
    sort: { field: 'order', op: 'min' },
    title: null,
    axis: { ticks: false, domain: false, grid: true },
  };
  const yOffset = { field: 'engine', sort: all.map(({ name }) => name) };
  const x = {
    field: 'gbps',
    type: 'quantitative',
    title: SPEED_TITLE,
    scale: { type: 'log', nice: false, padding: 12 },
    axis: { tickCount: 6, format: '~g' },
  };
  const color = engineColour(all);
  return {
    $schema: SCHEMA,
    title: {
      text: `Each candidate on each engine, ${size(bytes)}`,
      subtitle: `further to the right is faster; bars: spread; ${STEADINESS}`,
    },
    data: { values },
    config: CONFIG,
    facet: {
      row: {
        field: 'panel',
        sort: panels.map(([, , panel]) => panel),
        header: { title: null, labelAngle: 0, labelAnchor: 'start', labelOrient: 'top', labelFontSize: 13 },
      },
    },
    resolve: { scale: { y: 'independent' } },
    spec: {
      width: 480,
      height: { step: all.length > 4 ? 7 : 9 },
      layer: [
        {
          mark: { type: 'rule', strokeWidth: 1.5 },
          encoding: { y, yOffset, x: { ...x, field: 'low' }, x2: { field: 'high' }, color },
        },
        {
          mark: { type: 'point', filled: true, opacity: 1 },
          encoding: { y, yOffset, x, color, shape: SHAPE, size: SIZE },
        },
      ],
    },
  };
}

function endToEndChart({ endToEnd }: Study): object | undefined {
  const names = { binary: 'binary', ascii: 'ASCII text', utf8: 'text, not ASCII' };
  const values = endToEnd
    .filter(({ kernel, threads }) => kernel !== 'js' && threads === 1)
    .flatMap((result) => {
      const found = comparison(endToEnd, result);
      if (found === undefined) return [];
      const { value, low, high, isSteady } = found;
      const label = `${value.toPrecision(value < 1 ? 2 : 3)}${isSteady ? '' : UNSTEADY}`;
      const labelAt = low < 1 ? Math.max(high, 1) : high;
      return [
        {
          case: `${size(result.bytes)}, ${names[result.content]}`,
          kernel: result.kernel,
          value,
          low,
          high,
          labelAt,
          label,
        },
      ];
    });
  if (values.length === 0) return undefined;
  const kernels = Object.keys(KERNEL_COLOURS);
  const y = {
    field: 'case',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { ticks: false, domain: false, labelPadding: 8 },
  };
  const x = { field: 'value', type: 'quantitative', title: 'times as much as --kernel js', scale: { zero: true } };
  return {
    $schema: SCHEMA,
    title: {
      text: 'What a kernel is worth in the server',
      subtitle: [
        'echoes per second of one core, --kernel js = 1; by CPU time where the client was the limit',
        `lines: the widest range that the rounds of both allow; ${UNSTEADY}: one of them is not steady`,
      ],
    },
    width: 480,
    height: { step: 13 },
    data: { values },
    config: { ...CONFIG, scale: { bandWithNestedOffsetPaddingInner: 0.25, bandWithNestedOffsetPaddingOuter: 0.1 } },
    encoding: { y, yOffset: { field: 'kernel', sort: kernels } },
    layer: [
      {
        mark: { type: 'bar', cornerRadius: 1 },
        encoding: {
          x,
          color: { field: 'kernel', sort: kernels, scale: { domain: kernels, range: Object.values(KERNEL_COLOURS) } },
        },
      },
      {
        // A light line with a dark edge is seen on bars of every colour, and on light and dark pages.
        mark: { type: 'rule', strokeWidth: 3.5, color: '#24292f' },
        encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' } },
      },
      {
        mark: { type: 'rule', strokeWidth: 1.5, color: '#ffffff' },
        encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' } },
      },
      {
        mark: { type: 'text', align: 'left', dx: 4, fontSize: 9, baseline: 'middle' },
        // Beside the line at 1, not on it.
        encoding: { x: { ...x, field: 'labelAt' }, text: { field: 'label' }, color: { value: INK } },
      },
      { mark: { type: 'rule', color: INK }, encoding: { x: { datum: 1 }, y: null, yOffset: null } },
    ],
  };
}
