import { closeCodeName } from '../anatomy/close-codes.js';
import type { DissectedClose, DissectedFrame } from '../anatomy/dissected-frame.js';
import { summarizeFrame, summarizeMessage } from '../anatomy/explain-frame.js';
import { bytesInWords, payloadInWords } from '../anatomy/payload-in-words.js';
import type { AboutConnection, InspectionEvent, InspectionTotals } from '../capture/inspection.js';
import type { Opening } from '../capture/opening.js';
import type { ConnectionEnd } from '../capture/tcp-connections.js';
import type { Endpoint } from '../capture/tcp-segment.js';
import { writeParameters } from '../protocol/deflate/parameters.js';
import { formatExtensions } from '../protocol/opening/header-grammar.js';
import { printableJson } from '../telemetry/printable.js';
import { shownFrame } from './frame-decode.js';
import type { HiddenValues } from './hidden-values.js';
import type { InspectPrinter, InspectTotals } from './inspect-totals.js';

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

const ENDS: Readonly<Record<ConnectionEnd, string>> = {
  closed: 'closed',
  reset: 'reset',
  capture: 'still open at the end of the capture',
  evicted: 'given up, because there were too many connections at a time',
};

/** Shows what was inspected to people. Nothing that a peer has sent can be obeyed by a terminal. */
export class InspectReport implements InspectPrinter {
  readonly #hidden: HiddenValues;
  readonly #isDrawn: boolean;
  readonly #hasHeaders: boolean;

  /** @param isDrawn whether each frame is drawn. @param hasHeaders whether all headers are shown. */
  constructor(hidden: HiddenValues, isDrawn: boolean, hasHeaders: boolean) {
    this.#hidden = hidden;
    this.#isDrawn = isDrawn;
    this.#hasHeaders = hasHeaders;
  }

  event(event: InspectionEvent): string {
    switch (event.kind) {
      case 'opening':
        return `${headingOf(event)}\n${indented(this.#openingLines(event.opening))}`;
      case 'frame':
        return this.#frame(event, event.from, event.frame);
      case 'violation': {
        const { from, at, found, mayQuoteSecret, section } = event.violation;
        const text = this.#hidden.found(found, mayQuoteSecret, section);
        return indented([`Broken rule of the ${from}, at byte ${at}: ${text}`]);
      }
      case 'gap':
        return `${lineStart(event, event.from, event.gap.at)}${gapInWords(event.gap.missingBytes, event.leftOutBytes)}\n`;
      case 'unfinished':
        return event.frame === undefined
          ? indented([`A message of the ${event.from} is not whole.`])
          : indented([
              `A frame of the ${event.from} is not whole, at byte ${event.frame.at}: ${summarizeFrame(event.frame)}`,
            ]);
      case 'end': {
        const { client, server } = event.closes;
        const closes = `the client's Close: ${closeInWords(client)}; the server's: ${closeInWords(server)}`;
        return `Connection ${event.number} ${ENDS[event.how]}; ${closes}\n\n`;
      }
    }
  }

  totals({ frames, messages, broken, gaps, capture, isCut }: InspectTotals): string {
    const connections = capture === undefined ? [] : [counted(capture.connections, 'WebSocket connection')];
    const rules = broken === 0 ? 'no rule is broken' : `${counted(broken, 'broken rule')}`;
    const parts = [...connections, counted(frames, 'frame'), counted(messages, 'message'), rules];
    const notes = [
      ...(gaps > 0 ? [`Bytes are missing in ${counted(gaps, 'direction')}.`] : []),
      ...(capture === undefined ? [] : notesOn(capture)),
      ...(isCut ? ['The capture ends in the middle of a packet.'] : []),
    ];
    return `${[parts.join(', '), ...notes].join('\n')}\n`;
  }

  #openingLines(opening: Opening): string[] {
    const { request, response, deflate, extensions, subprotocol } = opening;
    const lines: string[] = [];
    if (request === undefined && response === undefined) lines.push('The opening handshake was not captured.');
    else if (request === undefined)
      lines.push('The request of the opening handshake was not captured, or cannot be read.');
    else {
      const host = opening.handshake === undefined ? '' : ` of ${printableJson(opening.handshake.host)}`;
      lines.push(`${printableJson(`${request.method} ${this.#hidden.target(request.target)}`)}${host}`);
      const offered = opening.handshake?.subprotocols ?? [];
      if (offered.length > 0) lines.push(`offered subprotocols: ${offered.map((one) => this.#shown(one)).join(', ')}`);
      lines.push(...this.#headerLines(request.rawHeaders));
    }
    if (response !== undefined) {
      lines.push(`${response.status} ${printableJson(response.reason)}`, ...this.#headerLines(response.rawHeaders));
      if (subprotocol !== '') lines.push(`subprotocol: ${this.#shown(subprotocol)}`);
      if (response.status === 101) lines.push(`extensions: ${extensions.text === '' ? 'none' : extensions.text}`);
    } else {
      if (request !== undefined) lines.push('The answer was not captured.');
      if (deflate !== undefined) lines.push(`assumed: ${formatExtensions([writeParameters(deflate)])}`);
    }
    return lines;
  }

  #headerLines(raw: readonly string[]): string[] {
    if (!this.#hasHeaders) return [];
    return this.#hidden.headers(raw).map(([name, value]) => `  ${name}: ${printableJson(value)}`);
  }

  #shown(secret: string): string {
    return this.#hidden.areShown ? printableJson(secret) : this.#hidden.secret(secret);
  }

  #frame(about: AboutConnection, from: string, frame: DissectedFrame): string {
    const start = lineStart(about, from, frame.at);
    if (this.#isDrawn) return `${start}${shownFrame(frame)}\n`;
    const said = saidBy(frame);
    return `${start}${summarizeFrame(frame)}\n${said === undefined ? '' : indented([said])}`;
  }
}

/** What a frame says: the message that it ends, or what a control frame has. */
function saidBy({ message, close, contents, payload, payloadBytes }: DissectedFrame): string | undefined {
  if (message !== undefined) return summarizeMessage(message);
  if (close !== undefined) return closeInWords(close);
  return contents === 'control' && payloadBytes > 0 ? payloadInWords(payload, payloadBytes, contents) : undefined;
}

function headingOf({ number, captured, onlyFrom }: AboutConnection): string {
  if (captured === undefined) return `What the ${onlyFrom} has sent:`;
  const { client, server, startNs } = captured;
  return `Connection ${number}: ${endpointInWords(client)} to ${endpointInWords(server)}, at ${timeInWords(startNs)}`;
}

export function endpointInWords({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A time in UTC, to the microsecond. */
function timeInWords(ns: bigint): string {
  const date = new Date(Number(ns / 1_000_000n));
  // A capture can hold any number.
  if (ns < 0n || Number.isNaN(date.getTime())) return `${secondsOf(ns)} s`;
  const microseconds = String((ns % NANOSECONDS_PER_SECOND) / 1000n).padStart(6, '0');
  return date.toISOString().replace(/\.\d+Z$/, `.${microseconds}Z`);
}

/** Nanoseconds in seconds, with all of their digits. */
export function secondsOf(ns: bigint): string {
  const magnitude = ns < 0n ? -ns : ns;
  const fraction = String(magnitude % NANOSECONDS_PER_SECOND).padStart(9, '0');
  return `${ns < 0n ? '-' : ''}${magnitude / NANOSECONDS_PER_SECOND}.${fraction}`;
}

/** What the line of a frame begins with: the connection, the time since its beginning, who has sent it, and where it is. */
function lineStart({ number, captured }: AboutConnection, from: string, at: number): string {
  const where = `${from.padEnd(6)} ${String(at).padStart(7)}  `;
  if (captured === undefined) return where;
  const seconds = secondsOf(captured.timeNs - captured.startNs).slice(0, -3);
  return `#${number} ${seconds.padStart(10)} ${where}`;
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `    ${line}\n`).join('');
}

function gapInWords(missingBytes: number, leftOutBytes: number): string {
  const later = leftOutBytes === 0 ? '' : `; ${bytesInWords(leftOutBytes)} behind them are left out`;
  return `${bytesInWords(missingBytes)} missing in the capture: this direction ends here${later}`;
}

function closeInWords(close: DissectedClose | 'empty' | undefined): string {
  if (close === undefined) return 'none';
  if (close === 'empty') return 'without a code';
  const name = closeCodeName(close.code);
  return `${close.code}${name === undefined ? '' : ` ${name}`}${close.reason === '' ? '' : ` ${printableJson(close.reason)}`}`;
}

/** What there was beside WebSockets. */
function notesOn(capture: InspectionTotals): string[] {
  const { tlsConnections, httpConnections, otherConnections, evictedConnections } = capture;
  const { otherPackets, fragments, damagedPackets } = capture;
  const notes: readonly (readonly [count: number, text: string])[] = [
    [tlsConnections, `Not shown: ${counted(tlsConnections, 'connection')} of TLS, which is encrypted.`],
    [httpConnections, `Not shown: ${counted(httpConnections, 'connection')} of HTTP without an upgrade to WebSocket.`],
    [otherConnections, `Not shown: ${counted(otherConnections, 'connection')} of something else.`],
    [
      evictedConnections,
      `Given up: ${counted(evictedConnections, 'connection')}, because there were too many at a time.`,
    ],
    [otherPackets, `Passed over: ${counted(otherPackets, 'packet')} that are not TCP.`],
    [fragments, `Left out: ${counted(fragments, 'fragment')} of IP packets.`],
    [damagedPackets, `Left out: ${counted(damagedPackets, 'packet')} whose headers are cut off or wrong.`],
  ];
  return notes.filter(([count]) => count > 0).map(([, text]) => text);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
