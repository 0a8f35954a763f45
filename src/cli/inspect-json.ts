import type { DissectedClose } from '../anatomy/dissected-frame.js';
import { frameJson } from '../anatomy/frame-json.js';
import type { AboutConnection, InspectionEvent } from '../capture/inspection.js';
import type { Opening } from '../capture/opening.js';
import { printableJson } from '../telemetry/printable.js';
import type { HiddenValues } from './hidden-values.js';
import { secondsOf } from './inspect-report.js';
import type { InspectPrinter, InspectTotals } from './inspect-totals.js';

/** Shows what was inspected to programs: one JSON object on a line. */
export class InspectJson implements InspectPrinter {
  readonly #hidden: HiddenValues;

  constructor(hidden: HiddenValues) {
    this.#hidden = hidden;
  }

  event(event: InspectionEvent): string {
    return `${printableJson({ type: event.kind, connection: event.number, ...timeOf(event), ...this.#detailsOf(event) })}\n`;
  }

  totals({ frames, messages, broken, gaps, isCut, capture }: InspectTotals): string {
    return `${printableJson({ type: 'totals', frames, messages, broken, gaps, isCut, ...capture })}\n`;
  }

  #detailsOf(event: InspectionEvent): object {
    switch (event.kind) {
      case 'opening':
        return { ...endsOf(event), ...this.#openingOf(event.opening) };
      case 'frame':
        return { from: event.from, ...frameJson(event.frame) };
      case 'violation': {
        const { from, at, rule, section, found, mayQuoteSecret } = event.violation;
        return { from, at, rule, section, found: this.#hidden.found(found, mayQuoteSecret, section) };
      }
      case 'gap':
        return { from: event.from, ...event.gap, leftOutBytes: event.leftOutBytes };
      case 'unfinished':
        return { from: event.from, frame: event.frame === undefined ? null : frameJson(event.frame) };
      case 'end':
        return { how: event.how, client: closeOf(event.closes.client), server: closeOf(event.closes.server) };
    }
  }

  #openingOf({ request, response, handshake, subprotocol, extensions, deflate }: Opening): object {
    return {
      request: request && {
        target: this.#hidden.target(request.target),
        ...(handshake && { subprotocols: handshake.subprotocols.map((one) => this.#hidden.secret(one)) }),
        headers: this.#hidden.headers(request.rawHeaders),
      },
      response: response && {
        ...{ status: response.status, reason: response.reason },
        headers: this.#hidden.headers(response.rawHeaders),
      },
      subprotocol: subprotocol === '' ? null : this.#hidden.secret(subprotocol),
      ...{ extensions: extensions.text, deflate: deflate ?? null },
    };
  }
}

/** Seconds since 1970, as a text: a number would lose the nanoseconds. */
function timeOf({ captured }: AboutConnection): object {
  return captured === undefined ? {} : { time: secondsOf(captured.timeNs) };
}

function endsOf({ captured, onlyFrom }: AboutConnection): object {
  return captured === undefined ? { from: onlyFrom } : { client: captured.client, server: captured.server };
}

function closeOf(close: DissectedClose | 'empty' | undefined): DissectedClose | { readonly code: null } | null {
  return close === 'empty' ? { code: null } : (close ?? null);
}
