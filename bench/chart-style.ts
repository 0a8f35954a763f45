/** For text and lines: legible on light and on dark pages, because a picture cannot know its page. */
export const INK = '#7d8590';
const FAINT = '#7d859040';

/** What all charts have in common. Nothing is drawn behind them. */
export const CONFIG = {
  background: null,
  padding: 8,
  font: 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif',
  view: { stroke: null },
  axis: {
    labelColor: INK,
    titleColor: INK,
    domainColor: INK,
    tickColor: INK,
    gridColor: FAINT,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    labelLimit: 260,
  },
  header: { labelColor: INK, titleColor: INK, labelFontSize: 12, title: null },
  legend: { labelColor: INK, labelFontSize: 12, labelLimit: 0, title: null, orient: 'top', symbolType: 'square' },
  title: { color: INK, subtitleColor: INK, fontSize: 14, anchor: 'start', subtitleFontSize: 12, offset: 12 },
};

export const SCHEMA = 'https://vega.github.io/schema/vega-lite/v6.json';
