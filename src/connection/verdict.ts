import { CloseCode, type CloseStatus } from '../protocol/close.js';
import type { ProtocolError, ProtocolRule } from '../protocol/protocol-error.js';
import { LimitIncident } from '../telemetry/limit-incident.js';

/** What a limit has decided about a connection; the connection carries it out. */
export interface Verdict {
  readonly action:
    | 'ping'
    /** The closing handshake is begun. */
    | 'close'
    /** The connection is failed (RFC 6455 section 7.1.7): with a Close, and without another look at what arrives. */
    | 'fail'
    /** TCP is ended without a Close: the peer would not hear it, or it would have to wait behind all that is queued. */
    | 'cut'
    /** The message is not sent. */
    | 'drop'
    /** The peer is not read for a while. */
    | 'throttle';
  /** How it is counted and reported; undefined: not at all. */
  readonly incident?: LimitIncident;
  /** What the peer is told by `close` and `fail`, and the handler by all that ends the connection. */
  readonly status?: CloseStatus;
  /** Whether the peer gets no publications in front of the Close. */
  readonly isWithoutPublications?: true;
  /** Whether memory that holds what has arrived is given back at once, and not when the peer has gone. */
  readonly isWithoutInput?: true;
}

const HOLDS_TOO_MUCH: CloseStatus = { code: CloseCode.TRY_AGAIN_LATER, reason: 'the server holds too much' };

export const Verdict = {
  /** The peer was not heard of for a while. */
  SILENT: { action: 'ping' },
  /** It has not answered a ping, nor sent anything else. */
  DEAD: { action: 'cut', incident: LimitIncident.HEARTBEAT_TIMEOUTS },
  /** There was no message for too long. */
  IDLE: {
    action: 'close',
    incident: LimitIncident.IDLE_TIMEOUTS,
    status: { code: CloseCode.GOING_AWAY, reason: 'idle for too long' },
  },
  /** It takes too long to send a message. */
  UNFINISHED: {
    action: 'fail',
    incident: LimitIncident.MESSAGE_TIMEOUTS,
    status: { code: CloseCode.POLICY_VIOLATION, reason: 'the message takes too long' },
    isWithoutInput: true,
  },
  /** It takes nothing of what it is sent. */
  STALLED: { action: 'cut', incident: LimitIncident.STALLS },
  /** It does not finish the closing handshake. */
  LINGERING: { action: 'cut', incident: LimitIncident.CLOSE_TIMEOUTS },
  /** It sends too fast, and is closed for that (`rateLimitAction: 'close'`). */
  TOO_FAST: {
    action: 'fail',
    incident: LimitIncident.RATE_LIMITED,
    status: { code: CloseCode.POLICY_VIOLATION, reason: 'sent too fast' },
  },
  /** It sends too fast, and is slowed down (`rateLimitAction: 'pause'`). */
  THROTTLED: { action: 'throttle', incident: LimitIncident.RATE_LIMITED },
  /** It has too much to take already, and is closed for that (`slowConsumer: 'close'`). */
  SLOW: {
    action: 'fail',
    incident: LimitIncident.SLOW_CONSUMERS,
    status: { code: CloseCode.TRY_AGAIN_LATER, reason: 'too slow a consumer' },
    isWithoutPublications: true,
  },
  /** It has too much to take already, and does not get the message (`slowConsumer: 'drop'`). */
  DROPPED: { action: 'drop', incident: LimitIncident.DROPPED },
  /** Its thread was too slow, and has missed publications that it should have had. */
  MISSED: {
    action: 'fail',
    incident: LimitIncident.MISSED_PUBLICATIONS,
    status: { code: CloseCode.TRY_AGAIN_LATER, reason: 'missed publications' },
    isWithoutPublications: true,
  },
  /** It has sent a compressed message that the arena has no room for. */
  NO_ROOM: {
    action: 'fail',
    incident: LimitIncident.NO_ROOM,
    status: { code: CloseCode.TRY_AGAIN_LATER, reason: 'no room for a compressed message' },
    isWithoutInput: true,
  },
  /** The server holds too much for all connections together, and this one gives back what it holds of input. */
  SHED: { action: 'fail', incident: LimitIncident.SHED, status: HOLDS_TOO_MUCH, isWithoutInput: true },
  /** The same, and output is queued. */
  SHED_WITH_OUTPUT: { action: 'cut', incident: LimitIncident.SHED, status: HOLDS_TOO_MUCH },
} as const satisfies Readonly<Record<string, Verdict>>;

/** The options that the rules about messages are set by. The other rules are those of RFC 6455. */
const OPTIONS_OF_RULES: Readonly<Partial<Record<ProtocolRule, string>>> = {
  'too-big': 'maxPayloadBytes',
  'empty-fragments': 'maxConsecutiveEmptyFragments',
};

/** What a peer has done wrong, for the log: if it has met a limit, with the option. */
export function describeViolation({ rule, message }: ProtocolError): string {
  const option = OPTIONS_OF_RULES[rule];
  return option === undefined ? message : `${message} (${option})`;
}
