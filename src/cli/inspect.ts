import { type Command, InvalidArgumentError, Option as Flag } from 'commander';
import type { Side } from '../anatomy/frame-judge.js';
import { HexReader } from '../anatomy/hex.js';
import { readDeflateParameters } from '../capture/agreed-deflate.js';
import { ByteFeeder } from '../capture/byte-feeder.js';
import { CaptureError } from '../capture/captured-packet.js';
import type { ConversationOptions } from '../capture/conversation.js';
import { Inspection, type InspectionEvent } from '../capture/inspection.js';
import { parsePcap } from '../capture/pcap.js';
import { parsePcapng } from '../capture/pcapng.js';
import { StreamInspection } from '../capture/stream-inspection.js';
import { OptionError } from '../options/option-error.js';
import type { DeflateParameters } from '../protocol/deflate/parameters.js';
import { sha1Base64 } from '../system/sha1.js';
import { parseShown, SHOWN_BYTES, SIDES } from './frame-decode.js';
import { type FrameOutput, OF_PROCESS } from './frame-output.js';
import { HiddenValues } from './hidden-values.js';
import { FORMATS, type Format, partsOf, recognised } from './inspect-input.js';
import { InspectJson } from './inspect-json.js';
import { InspectReport } from './inspect-report.js';
import { count, type InspectPrinter, type InspectTotals } from './inspect-totals.js';
import { messageInflater } from './message-deflate.js';

interface InspectFlags {
  readonly format?: Format;
  readonly from?: Side;
  /** True for the flag without parameters. */
  readonly deflate?: DeflateParameters | true;
  readonly frames: 'line' | 'full';
  /** Bytes. */
  readonly payload: number;
  readonly headers?: true;
  readonly secrets?: true;
  readonly json?: true;
}

/** How much text is collected until it is written, in characters. */
const WRITTEN_AT_A_TIME = 64 * 1024;

const HELP = `
The input is recognised: a capture in the format pcap or pcapng, as tcpdump and Wireshark write it, or the bytes that one side has
sent, as they are or in hex. Of such bytes --from has to say who has sent them.

In a capture all WebSocket connections are found, whatever their ports are, and the bytes of both directions are put in order. Where
bytes are missing, that is said, and the direction ends. A connection whose opening handshake was not captured is taken apart too, if its
first bytes look like a frame; --deflate without parameters goes behind the file. What TLS has encrypted cannot be read.

Each frame is on one line: the connection, seconds since its beginning, who has sent it, where it begins in the stream of its
direction, in bytes, and its header. Below it stand the message that it ends, and the rules that it breaks.

The values of Cookie, Set-Cookie, Authorization and Proxy-Authorization, the query of the request, and subprotocols are shown as their
lengths, unless --secrets is given. Payloads are shown as --payload says.

Exit codes: 0, 1 if a rule of RFC 6455 is broken, or 2 for wrong usage, and for a file that cannot be read or is damaged.

Examples:
  tcpdump -i lo -w capture.pcap tcp port 8080
  wsloom inspect capture.pcap
  tcpdump -i lo -U -w - tcp port 8080 | wsloom inspect -
  wsloom inspect --json --payload none capture.pcapng
  wsloom inspect frames.bin --from client --frames full --deflate`;

/** Adds `wsloom inspect`. @param output other than that of the process, for tests. */
export function addInspect(program: Command, output: FrameOutput = OF_PROCESS): void {
  program
    .command('inspect')
    .description('take captured WebSocket connections apart: handshakes, frames, messages, broken rules')
    .argument('<file>', 'a capture, or the bytes that one side has sent; -: standard input')
    .addOption(new Flag('--format <format>', 'what the input is, if it is not recognised').choices(FORMATS))
    .addOption(new Flag('--from <side>', 'who has sent the bytes, which are no capture').choices(SIDES))
    .addOption(
      new Flag(
        '--deflate [parameters]',
        'permessage-deflate is agreed on, with these parameters, where the handshake was not captured',
      ).argParser(parseDeflate),
    )
    .addOption(
      new Flag('--frames <how>', 'line: each frame on one line; full: drawn and explained, as frame decode does')
        .choices(['line', 'full'])
        .default('line', 'line'),
    )
    .addOption(
      new Flag('--payload <size>', 'how much of a payload is shown; none, or up to 64KiB')
        .argParser(parseShown)
        .default(SHOWN_BYTES, String(SHOWN_BYTES)),
    )
    .option('--headers', 'show all headers of the handshakes')
    .option('--secrets', 'show what may be secret')
    .option('--json', 'print one JSON object on a line, for programs')
    .addHelpText('after', HELP)
    .action((file: string, flags: InspectFlags) => inspect(file, flags, output));
}

function parseDeflate(text: string): DeflateParameters {
  const parameters = readDeflateParameters(text);
  if (typeof parameters === 'string') throw new InvalidArgumentError(`It cannot be agreed on: ${parameters}.`);
  return parameters;
}

/** What takes an input apart. */
interface Inspector {
  readonly totals: InspectTotals;
  take(bytes: Uint8Array): Generator<InspectionEvent>;
  end(): Generator<InspectionEvent>;
}

/** @throws OptionError for an input that cannot be read. What was read of it in front of that is printed. */
async function inspect(file: string, flags: InspectFlags, output: FrameOutput): Promise<void> {
  const hidden = new HiddenValues(flags.secrets === true);
  const printer = flags.json === true ? new InspectJson(hidden) : reportOf(flags, hidden);
  let inspector: Inspector | undefined;
  let failure: unknown;
  try {
    for await (const bytes of partsOf(file)) {
      inspector ??= inspectorOf(flags.format ?? recognised(bytes), flags);
      if (!(await print(inspector, inspector.take(bytes), printer, output))) return; // nobody reads it any more
    }
  } catch (error) {
    failure = error;
  }
  if (inspector === undefined) throw failure;
  try {
    if (!(await print(inspector, inspector.end(), printer, output))) return;
  } catch (error) {
    failure ??= error;
  }
  const { totals } = inspector;
  if (failure === undefined || totals.frames > 0 || totals.capture !== undefined)
    await output.print(printer.totals(totals));
  if (failure instanceof CaptureError) throw new OptionError('file', failure.message, { cause: failure });
  if (failure !== undefined) throw failure;
  if (totals.broken > 0) output.endWith(1);
}

function reportOf({ frames, headers }: InspectFlags, hidden: HiddenValues): InspectReport {
  return new InspectReport(hidden, frames === 'full', headers === true);
}

/** @returns false if nobody reads the output any more. */
async function print(
  { totals }: Inspector,
  events: Generator<InspectionEvent>,
  printer: InspectPrinter,
  output: FrameOutput,
): Promise<boolean> {
  let text = '';
  try {
    for (const event of events) {
      count(totals, event);
      text += printer.event(event);
      if (text.length < WRITTEN_AT_A_TIME) continue;
      if (!(await output.print(text))) return false;
      text = '';
    }
  } catch (error) {
    await output.print(text); // what was found in front of what cannot be read
    throw error;
  }
  return text === '' || output.print(text);
}

/** @throws OptionError for flags that do not fit the format. */
function inspectorOf(format: Format, flags: InspectFlags): Inspector {
  const { from, deflate, payload } = flags;
  const options: ConversationOptions = {
    ...{ keptBytes: payload, makeInflater: messageInflater, sha1Base64 },
    assumedDeflate: deflate === true ? parseDeflate('') : deflate,
  };
  if (format === 'pcap' || format === 'pcapng') {
    if (from !== undefined) {
      throw new OptionError('from', 'a capture says who has sent what: --from is for raw bytes and for hex');
    }
    return captureInspector(format, options);
  }
  if (from === undefined) {
    throw new OptionError('from', 'the input is no capture: --from client or --from server has to say who has sent it');
  }
  return streamInspector(format, from, options);
}

function newTotals(capture?: InspectTotals['capture']): InspectTotals {
  return { frames: 0, messages: 0, broken: 0, gaps: 0, capture, isCut: false };
}

function captureInspector(format: 'pcap' | 'pcapng', options: ConversationOptions): Inspector {
  const feeder = new ByteFeeder(format === 'pcap' ? parsePcap() : parsePcapng());
  const inspection = new Inspection(options);
  const totals = newTotals(inspection.totals);
  return {
    totals,
    *take(bytes) {
      for (const packet of feeder.feed(bytes)) yield* inspection.take(packet);
    },
    *end() {
      totals.isCut = feeder.isMidRecord;
      yield* inspection.end();
    },
  };
}

function streamInspector(format: 'raw' | 'hex', from: Side, options: ConversationOptions): Inspector {
  const inspection = new StreamInspection(from, options);
  const hex = format === 'hex' ? new HexReader() : undefined;
  return {
    totals: newTotals(),
    *take(bytes) {
      yield* inspection.take(hex === undefined ? bytes : inHex(() => hex.feed(Buffer.from(bytes).toString('latin1'))));
      checkWebSocket(inspection);
    },
    *end() {
      yield* inspection.end();
      checkWebSocket(inspection);
      if (hex !== undefined) inHex(() => hex.end());
    },
  };
}

/** @throws OptionError for what is no hex. */
function inHex<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new OptionError('file', `the input is no hex: ${cause.message}`, { cause });
  }
}

/** @throws OptionError if the bytes are known to be something else. */
function checkWebSocket({ other }: StreamInspection): void {
  if (other === undefined) return;
  const what = other === 'other' ? 'something else' : other;
  throw new OptionError('file', `the input is no WebSocket connection: it begins as ${what} does`);
}
