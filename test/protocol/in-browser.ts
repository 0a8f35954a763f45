/**
 * Code that runs without Node. This file and its imports come from a bundle for browsers. They have only the globals of the language,
 * TextEncoder and TextDecoder.
 */
import { drawFrame } from '../../dist/anatomy/draw-frame.js';
import { explainFrame } from '../../dist/anatomy/explain-frame.js';
import { FrameDissector } from '../../dist/anatomy/frame-dissector.js';
import { readHex } from '../../dist/anatomy/hex.js';
import { JsWordKernel } from '../../dist/kernels/js.js';
import { Slabs } from '../../dist/memory/slabs.js';
import { maskedFrame } from '../../dist/protocol/client-frame.js';
import { ClosingHandshake } from '../../dist/protocol/closing-handshake.js';
import { FrameEvent } from '../../dist/protocol/frame-event.js';
import { MaskedFrameReader } from '../../dist/protocol/masked-frame-reader.js';
import type { Sha1Base64 } from '../../dist/protocol/opening/accept-key.js';
import { type ClientHandshake, readAcceptance, renderRequest } from '../../dist/protocol/opening/client-handshake.js';
import { readHandshake } from '../../dist/protocol/opening/handshake.js';
import { renderAccept, renderRefusal } from '../../dist/protocol/opening/handshake-response.js';
import { readUpgradeRequest } from '../../dist/protocol/opening/request-head.js';
import { ResponseHeadReader } from '../../dist/protocol/opening/response-head.js';
import { ProtocolError } from '../../dist/protocol/protocol-error.js';
import type { ReaderMemory } from '../../dist/protocol/reader-memory.js';
import { UnmaskedFrameReader } from '../../dist/protocol/unmasked-frame-reader.js';
import { viewOf } from '../../dist/protocol/view-of.js';

const PAGE_BYTES = 64 * 1024;
const PAGES = 16;
const WINDOW_START = 1024;
const SLABS_START = PAGE_BYTES;

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false; // the only thing that a fatal decoder throws for
  }
}

/** The events in their order: the number of each event, and its payload. A violation is the last event. */
function eventsOf(run: (note: (event: FrameEvent, payload: Uint8Array) => void) => void): string[] {
  const events: string[] = [];
  try {
    run((event, payload) => events.push(`${event} ${hex(payload)}`));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    events.push(`${error.rule} ${error.closeCode}`);
  }
  return events;
}

/** The events of a client's frames. */
export function readMasked(reads: readonly Uint8Array[]): string[] {
  const wasm = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  const memory: ReaderMemory = {
    bytes: new Uint8Array(wasm.buffer),
    view: new DataView(wasm.buffer),
    found: new Int32Array(0),
    foundStart: 0,
    slabs: new Slabs(SLABS_START, PAGES * PAGE_BYTES - SLABS_START),
    allocate: (length) => new Uint8Array(length),
  };
  const reader = new MaskedFrameReader(memory, new JsWordKernel(wasm), 1_000_000);
  return eventsOf((note) => {
    for (const read of reads) {
      memory.bytes.set(read, WINDOW_START);
      reader.feed(WINDOW_START, WINDOW_START + read.length);
      for (let event = reader.next(); event !== FrameEvent.NONE; event = reader.next()) {
        note(event, reader.bytes.subarray(reader.start, reader.start + reader.length));
      }
    }
  });
}

/** The events of a server's frames. */
export function readUnmasked(reads: readonly Uint8Array[]): string[] {
  const reader = new UnmaskedFrameReader({ isUtf8, allocate: (length) => new Uint8Array(length) }, 1_000_000);
  return eventsOf((note) => {
    for (const read of reads) {
      reader.feed(read);
      for (let event = reader.next(); event !== FrameEvent.NONE; event = reader.next()) note(event, reader.payload);
    }
  });
}

/** Both sides of an opening handshake, in ASCII, and the subprotocol that the client gets. */
export function openingHandshake(key: string, sha1Base64: Sha1Base64) {
  const offer: ClientHandshake = { target: '/a?b', host: 'example.org', key, subprotocols: ['chat'] };
  const request = renderRequest(offer);
  const head = readUpgradeRequest(request, 100);
  if (head === undefined) throw new Error('the request is not read');
  const response = renderAccept(readHandshake(head), sha1Base64, { subprotocol: 'chat' });
  const reader = new ResponseHeadReader();
  const rest = reader.feed(new TextEncoder().encode(`${response}rest`));
  if (reader.head === undefined || rest === undefined) throw new Error('the response is not read');
  const { subprotocol } = readAcceptance(reader.head, offer, sha1Base64);
  return { request, response, rest: hex(rest), subprotocol };
}

/** What is said of the first frame in these bytes. */
export function anatomy(bytes: string) {
  const [frame] = new FrameDissector().feed(readHex(bytes));
  if (frame === undefined) throw new Error('there is no frame');
  return { drawing: drawFrame(frame), explanation: explainFrame(frame) };
}

/** The other functions that an end of a connection calls with bytes. */
export function otherBytes() {
  const view = viewOf(new Uint8Array([1, 2]).buffer);
  return {
    frame: hex(maskedFrame(0x81, new TextEncoder().encode('Hello'), 0x3d21fa37)),
    close: hex(new ClosingHandshake().begin(1001, 'grüß') ?? new Uint8Array(0)),
    refusal: renderRefusal(400, { body: 'grüß' }),
    view: view && hex(view),
    noView: viewOf({ byteLength: 2 }) === undefined,
  };
}
