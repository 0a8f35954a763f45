import { CloseCode } from './close.js';

/**
 * What a peer can do wrong, by name: the section of RFC 6455 that says so, and the code of the Close frame that answers it
 * (section 7.4.1).
 */
export const PROTOCOL_RULES = {
  /** A reserved bit is set that no negotiated extension gives a meaning to. */
  rsv: { section: '5.2', closeCode: CloseCode.PROTOCOL_ERROR },
  /** A reserved opcode. */
  opcode: { section: '5.2', closeCode: CloseCode.PROTOCOL_ERROR },
  /** A frame of a client without a mask, or a frame of a server with one. */
  mask: { section: '5.1', closeCode: CloseCode.PROTOCOL_ERROR },
  /** A length that is not encoded in the shortest way, or whose top bit is set. */
  length: { section: '5.2', closeCode: CloseCode.PROTOCOL_ERROR },
  /** A control frame with a payload of more than 125 bytes. */
  'control-length': { section: '5.5', closeCode: CloseCode.PROTOCOL_ERROR },
  /** A control frame that is a fragment. */
  'control-fragment': { section: '5.5', closeCode: CloseCode.PROTOCOL_ERROR },
  /** A continuation of no message, or a new message between the fragments of another one. */
  fragmentation: { section: '5.4', closeCode: CloseCode.PROTOCOL_ERROR },
  /** Text that is not UTF-8. */
  utf8: { section: '8.1', closeCode: CloseCode.INVALID_PAYLOAD },
  /** A compressed message that cannot be decompressed. RFC 7692 names no close code for it; its bytes do not fit what it says it is. */
  deflate: { section: '7.4.1', closeCode: CloseCode.INVALID_PAYLOAD },
  /** A Close frame with a payload of one byte. */
  'close-payload': { section: '5.5.1', closeCode: CloseCode.PROTOCOL_ERROR },
  /** A close code that must not be sent. */
  'close-code': { section: '7.4', closeCode: CloseCode.PROTOCOL_ERROR },
  /** A close reason that is not UTF-8. */
  'close-reason': { section: '5.5.1', closeCode: CloseCode.INVALID_PAYLOAD },
  /** A message that is longer than this side allows. */
  'too-big': { section: '10.4', closeCode: CloseCode.MESSAGE_TOO_BIG },
  /** More fragments without payload in a row than this side allows. */
  'empty-fragments': { section: '10.4', closeCode: CloseCode.POLICY_VIOLATION },
} as const;

/** The name of a rule that a peer has broken, such as `'rsv'`, `'mask'`, `'utf8'` or `'too-big'`. */
export type ProtocolRule = keyof typeof PROTOCOL_RULES;

/**
 * The peer broke a rule of RFC 6455, or a limit of this side: the connection is failed (section 7.1.7) with `closeCode`.
 * The message says what was found. It goes into the log and, where it fits, into the close reason.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  /** The same for every error of this class. */
  readonly code = 'WSLOOM_PROTOCOL';
  /** The name of the rule that was broken, such as `'rsv'`, `'mask'`, `'utf8'` or `'too-big'`. */
  readonly rule: ProtocolRule;
  /** The section of RFC 6455 that has the rule, such as `'5.2'`. */
  readonly section: string;
  /** The code of the Close frame that this side sends: 1002, 1007, 1008 or 1009 (section 7.4.1). */
  readonly closeCode: number;

  constructor(rule: ProtocolRule, message: string) {
    super(message);
    const { section, closeCode } = PROTOCOL_RULES[rule];
    this.rule = rule;
    this.section = section;
    this.closeCode = closeCode;
  }
}
