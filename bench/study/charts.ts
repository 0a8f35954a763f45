import { NEVER_BYTES } from '#dist/kernels/thresholds.js';
import type { Content } from '#dist/study/texts.js';
import { CONFIG, INK, SCHEMA } from '../chart-style.js';
import { candidateNames, type Operation } from './candidates.js';
import { USUAL_ALIGNMENT } from './design.js';
import { type Engine, enginesOf, STEPS, size } from './findings.js';
import type { EndToEndResult, Study } from './results.js';

/** Colours that differ from white, from black, and from each other, also for people who do not see red and green apart. */
const COLOURS: Readonly<Record<string, string>> = {
  'js-byte': '#8d96a0',
  'js-dfa': '#8d96a0',
  js: '#4c8dd6',
  'js-bigint': '#2a9d8f',
  TextDecoder: '#2a9d8f',
  'wasm-scalar': '#d4a017',
  wasm: '#e8590c',
  'wasm, copy in': '#d6719a',
  'wasm, copy in and out': '#a1496e',
  native: '#a1496e',
  bufferutil: '#b072d1',
  isUtf8: '#b072d1',
};
const ENGINE_COLOURS = ['#4c8dd6', '#2a9d8f', '#d4a017', '#e8590c'];
const KERNEL_COLOURS: Readonly<Record<string, string>> = {
  wasm: '#e8590c',
  native: '#b072d1',
  auto: '#4c8dd6',
};

/** A label for each power of four. */
const SIZE_LABELS =
  "datum.value >= 1048576 ? datum.value / 1048576 + ' MiB' : datum.value >= 1024 ? datum.value / 1024 + ' KiB' : datum.value + ' B'";
const SIZE_AXIS = {
  values: Array.from({ length: 12 }, (_, i) => 4 ** (i + 1)),
  labelExpr: SIZE_LABELS,
  labelAngle: -45,
  labelFontSize: 11,
};

/** All charts of a study, by name. Undefined if there is nothing to draw. */
export function studyCharts(study: Study): Readonly<Record<string, object | undefined>> {
  return {
    unmask: speedChart(study, 'Unmasking', [['unmask', 'any', '']]),
    validate: speedChart(study, 'UTF-8 validation', [
      ['validate', 'ascii', 'ASCII'],
      ['validate', 'json', 'JSON of several scripts'],
    ]),
    crossovers: crossoverChart(study),
    engines: enginesChart(study),
    'end-to-end': endToEndChart(study),
  };
}

function speedChart(
  study: Study,
  title: string,
  panels: readonly (readonly [Operation, Content | 'any', string])[],
): object | undefined {
  const { main } = enginesOf(study);
  const values = panels.flatMap(([op, content, panel]) =>
    main.result.figures
      .filter((one) => one.op === op && one.content === content)
      .filter(({ cache, alignment }) => cache === 'hot' && alignment === USUAL_ALIGNMENT)
      .map(({ candidate, bytes, ns }) => ({ panel, candidate, bytes, gbps: bytes / ns })),
  );
  if (values.length === 0) return undefined;
  const [[op] = ['unmask' as const]] = panels;
  const candidates = main.candidates(op);
  return {
    $schema: SCHEMA,
    title: {
      text: `${title}: throughput by size`,
      subtitle: `${main.name}, one thread, in cache as far as it fits; medians`,
    },
    data: { values },
    config: CONFIG,
    facet: { column: { field: 'panel', sort: null, header: { title: null } } },
    spec: {
      width: panels.length === 1 ? 620 : 300,
      height: 340,
      mark: { type: 'line', point: { size: 22 }, strokeWidth: 2 },
      encoding: {
        x: { field: 'bytes', type: 'quantitative', title: null, scale: { type: 'log', base: 2 }, axis: SIZE_AXIS },
        y: {
          field: 'gbps',
          type: 'quantitative',
          title: 'GB/s (logarithmic)',
          scale: { type: 'log' },
          axis: { tickCount: 6, format: '~g' },
        },
        color: {
          field: 'candidate',
          scale: { domain: candidates, range: candidates.map((name) => COLOURS[name] ?? INK) },
          legend: { columns: 4, symbolType: 'circle' },
        },
      },
    },
  };
}

function crossoverChart(study: Study): object | undefined {
  const { all } = enginesOf(study);
  const values = STEPS.flatMap(([step, op, content, from, to]) =>
    all.flatMap((engine) => {
      const bytes = engine.crossover(op, content, from, to);
      return bytes === undefined || bytes === NEVER_BYTES ? [] : [{ step, engine: engine.name, bytes }];
    }),
  );
  if (values.length === 0) return undefined;
  const steps = STEPS.map(([step]) => step);
  return {
    $schema: SCHEMA,
    title: {
      text: 'Where one way overtakes another',
      subtitle:
        'the size from which on the second is the better choice; none where it never is; 4 B: from the smallest on',
    },
    width: 480,
    height: { step: 8 },
    data: { values },
    config: CONFIG,
    mark: { type: 'point', filled: true, size: 60, opacity: 0.9 },
    encoding: {
      y: {
        field: 'step',
        type: 'nominal',
        sort: steps,
        scale: { domain: steps },
        title: null,
        axis: { labelLimit: 0, grid: false, ticks: false, domain: false, labelPadding: 8 },
      },
      yOffset: { field: 'engine' },
      x: {
        field: 'bytes',
        type: 'quantitative',
        title: null,
        scale: { type: 'log', base: 2, domain: [4, 4 ** 12] },
        axis: SIZE_AXIS,
      },
      color: engineColour(all),
    },
  };
}

function engineColour(all: readonly Engine[]): object {
  const names = all.map(({ name }) => name);
  return { field: 'engine', scale: { domain: names, range: ENGINE_COLOURS.slice(0, names.length) } };
}

function enginesChart(study: Study): object | undefined {
  const { all } = enginesOf(study);
  const panels = [
    ['unmask', 'any', 'unmask'],
    ['validate', 'ascii', 'UTF-8, ASCII'],
    ['validate', 'json', 'UTF-8, JSON'],
  ] as const;
  const bytes = 64 * 1024;
  const candidates = [...new Set(panels.flatMap(([op]) => candidateNames(op)))];
  const values = panels.flatMap(([op, content, panel]) =>
    all.flatMap((engine) =>
      engine
        .candidates(op)
        .map((candidate) => ({ candidate, gbps: engine.speedOrNone({ op, content, bytes, candidate }) }))
        .filter(({ gbps }) => Number.isFinite(gbps))
        .map(({ candidate, gbps }) => ({ panel, candidate, gbps, engine: engine.name })),
    ),
  );
  if (values.length === 0) return undefined;
  return {
    $schema: SCHEMA,
    title: {
      text: `The same code on four engines, ${size(bytes)}`,
      subtitle: 'GB/s, logarithmic; none where it spread too much',
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
      height: { step: 9 },
      mark: { type: 'bar', cornerRadius: 1 },
      encoding: {
        y: {
          field: 'candidate',
          type: 'nominal',
          sort: candidates,
          title: null,
          axis: { ticks: false, domain: false },
        },
        yOffset: { field: 'engine' },
        x: {
          field: 'gbps',
          type: 'quantitative',
          title: null,
          scale: { type: 'log', domainMin: 0.1 },
          axis: { tickCount: 6, format: '~g' },
        },
        x2: { datum: 0.1 },
        color: engineColour(all),
      },
    },
  };
}

/**
 * How many times as many messages the server carries with a kernel as with `js`. Compares CPU time where the client was the
 * limit. NaN if either is missing.
 */
export function gain(results: readonly EndToEndResult[], of: EndToEndResult): number {
  const base = results.find(
    (one) =>
      one.kernel === 'js' && one.bytes === of.bytes && one.content === of.content && one.inFlight === of.inFlight,
  );
  if (base === undefined) return Number.NaN;
  const isOfCpuTime = of.isClientBound || base.isClientBound;
  return isOfCpuTime ? base.microsPerMessage / of.microsPerMessage : of.perSecond / base.perSecond;
}

function endToEndChart({ endToEnd }: Study): object | undefined {
  const names = { binary: 'binary', ascii: 'ASCII text', utf8: 'text, not ASCII' };
  const values = endToEnd
    .filter(({ kernel }) => kernel !== 'js')
    .map((result) => ({
      case: `${size(result.bytes)}, ${names[result.content]}`,
      kernel: result.kernel,
      gain: gain(endToEnd, result),
    }))
    .filter((value) => Number.isFinite(value.gain))
    .map((value) => ({ ...value, label: value.gain.toPrecision(value.gain < 1 ? 2 : 3) }));
  if (values.length === 0) return undefined;
  const kernels = Object.keys(KERNEL_COLOURS);
  const y = {
    field: 'case',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { ticks: false, domain: false, labelPadding: 8 },
  };
  const x = { field: 'gain', type: 'quantitative' };
  return {
    $schema: SCHEMA,
    title: {
      text: 'What a kernel is worth in the server',
      subtitle: 'echoes per second of one core, --kernel js = 1; by CPU time where the client was the limit',
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
          x: { ...x, title: 'times as much as --kernel js' },
          color: { field: 'kernel', scale: { domain: kernels, range: Object.values(KERNEL_COLOURS) } },
        },
      },
      {
        mark: { type: 'text', align: 'left', dx: 4, fontSize: 9, baseline: 'middle' },
        encoding: { x, text: { field: 'label' }, color: { value: INK } },
      },
      { mark: { type: 'rule', color: INK }, encoding: { x: { datum: 1 }, y: null, yOffset: null } },
    ],
  };
}
