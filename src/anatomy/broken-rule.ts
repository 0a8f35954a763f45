import { ProtocolError, type ProtocolRule } from '../protocol/protocol-error.js';

/** The rules that are not about frames as such, but about what this side allows. */
type OtherRule = 'too-big' | 'empty-fragments';

/** The name of a rule that a frame can break: as the protocol has it, or `cut-off` for a frame that ends too early. */
export type FrameRule = Exclude<ProtocolRule, OtherRule> | 'cut-off';

/** What each rule demands. */
const DEMANDS: Readonly<Record<FrameRule, string>> = {
  rsv: 'Reserved bits are 0, unless an extension that both sides have agreed on gives them a meaning.',
  opcode: 'Opcodes 0x3 to 0x7 and 0xb to 0xf are reserved, and must not be used.',
  mask: 'A client masks every frame, and a server masks none.',
  length: 'A length is encoded in the shortest of the three ways, and the top bit of a length of 64 bits is 0.',
  'control-length': 'A control frame (Close, Ping or Pong) has a payload of at most 125 bytes.',
  'control-fragment': 'A control frame (Close, Ping or Pong) is never fragmented: its FIN is 1.',
  fragmentation:
    'The first frame of a message says whether it is text or binary. All others are continuations, and the next message ' +
    'begins behind the last of them.',
  utf8: 'The payload of a text message is UTF-8, all of its fragments together.',
  deflate: 'A compressed message can be decompressed (RFC 7692).',
  'close-payload': 'The payload of a Close frame is empty, or begins with a close code of two bytes.',
  'close-code': 'The close codes that may be sent are 1000 to 1003, 1007 to 1014, and 3000 to 4999.',
  'close-reason': 'The reason of a Close frame is UTF-8.',
  'cut-off': 'A frame has as many bytes as its header declares.',
};

/** A rule of RFC 6455 that a frame breaks. */
export interface BrokenRule {
  readonly rule: FrameRule;
  /** What was found, and the section that forbids it: `reserved opcode 3 (RFC 6455 section 5.2)`. */
  readonly found: string;
  /** What the rule demands, in a sentence or two. */
  readonly demand: string;
  /** The section of RFC 6455 that has the rule, such as `5.2`. */
  readonly section: string;
  /** The code of the Close frame that answers it. Undefined for a frame that is cut off: its end may come yet. */
  readonly closeCode: number | undefined;
}

/** The error that a check of the protocol has thrown, as a broken rule. */
export function brokenBy({ rule, message, section, closeCode }: ProtocolError): BrokenRule {
  if (!(rule in DEMANDS)) throw new TypeError(`${rule} is no rule of frames`);
  const found = message.includes('(RFC ') ? message : `${message} (RFC 6455 section ${section})`;
  const name = rule as FrameRule; // it was looked up
  return { rule: name, found, demand: DEMANDS[name], section, closeCode };
}

/** The section that says what a frame is made of. */
const FRAMING_SECTION = '5.2';

/** A frame that is not whole. @param what is there of it. */
export function cutOff(what: string): BrokenRule {
  const found = `${what} (RFC 6455 section ${FRAMING_SECTION})`;
  return { rule: 'cut-off', found, demand: DEMANDS['cut-off'], section: FRAMING_SECTION, closeCode: undefined };
}

/** Calls a check of the protocol. @returns the rule that it finds broken, if it does. */
export function brokenIn(check: () => void): BrokenRule | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return brokenBy(error);
    throw error;
  }
}
