import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer } from '../opening/answer.js';
import { CONTENT_TYPES, formatFor, type MetricsFormat } from './metrics-format.js';

/** Answers a request for the metrics, in the format that it asks for. @param render a promise where another thread has to be asked. */
export function answerMetrics(
  request: IncomingMessage,
  response: ServerResponse,
  render: (format: MetricsFormat) => string | Promise<string>,
): void {
  const format = formatFor(request.headers.accept);
  const send = (text: string) =>
    answer(request, response, 200, CONTENT_TYPES[format], text, { 'Cache-Control': 'no-store' });
  const metrics = render(format);
  if (metrics instanceof Promise) void metrics.then(send);
  else send(metrics);
}
