/** The formats that Prometheus reads: its own text format 0.0.4, and OpenMetrics 1.0. */
export type MetricsFormat = 'text' | 'openmetrics';

/** The types of the formats, without the charset. */
export const CONTENT_TYPES: Readonly<Record<MetricsFormat, string>> = {
  text: 'text/plain; version=0.0.4',
  openmetrics: 'application/openmetrics-text; version=1.0.0',
};

/** The format for a client, by its header Accept (RFC 9110 section 12.5.1): OpenMetrics if it is asked for, and not less than text. */
export function formatFor(accept: string | undefined): MetricsFormat {
  const best = { openmetrics: 0, text: 0 };
  for (const range of (accept ?? '').toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const quality = parameters.find((parameter) => /^q\s*=/.test(parameter))?.split('=')[1];
    const weight = quality === undefined ? 1 : Number(quality);
    if (Number.isNaN(weight)) continue;
    if (type === 'application/openmetrics-text') best.openmetrics = Math.max(best.openmetrics, weight);
    else if (type === 'text/plain') best.text = Math.max(best.text, weight);
  }
  return best.openmetrics > 0 && best.openmetrics >= best.text ? 'openmetrics' : 'text';
}
