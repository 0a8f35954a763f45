import { expect, it } from 'vitest';
import { formatFor } from '../../dist/monitor/metrics-format.js';

it.each([
  [undefined, 'text'],
  ['', 'text'],
  ['*/*', 'text'],
  ['text/html,application/xhtml+xml', 'text'],
  ['text/plain;version=0.0.4', 'text'],
  ['application/openmetrics-text', 'openmetrics'],
  ['Application/OpenMetrics-Text; Version=1.0.0', 'openmetrics'],
  // Prometheus 2 and 3.
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    'openmetrics',
  ],
  [
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    'openmetrics',
  ],
  ['application/openmetrics-text;q=0.5, text/plain;q=0.9', 'text'],
  ['text/plain;q=0.5, application/openmetrics-text;q=0.5', 'openmetrics'],
  ['application/openmetrics-text;q=0, */*', 'text'],
  ['application/openmetrics-text;q=much', 'text'],
  ['application/openmetrics-text-not', 'text'],
] as const)('Accept: %s is answered with the format %s', (accept, format) => {
  expect(formatFor(accept)).toBe(format);
});
