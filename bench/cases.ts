/** What a server does with a message: sends it back, or to everybody. */
export type Mode = 'echo' | 'broadcast';

/** One kind of load. */
export interface Case {
  /** The text that the pattern of `--only` is compared with. */
  readonly name: string;
  readonly mode: Mode;
  /** In a broadcast: the subscribers. One more connection publishes. */
  readonly connections: number;
  /** The size of a message. */
  readonly bytes: number;
  /** How many messages are on their way at a time: messages of each connection, or publications. */
  readonly inFlight: number;
  /** What messages are made of: text of printable ASCII, text with characters of one to four bytes, or binary. */
  readonly content: 'ascii' | 'utf8' | 'binary';
  /** There are hundreds of different messages, JSON in ASCII, and they are compressed both ways if the server does that. */
  readonly deflate?: DeflateLoad;
  /** Whether a quick run measures it too. */
  readonly isQuick: boolean;
}

/** A load that is compressed (RFC 7692). */
export interface DeflateLoad {
  /** Whether each side keeps its window from message to message. */
  readonly hasTakeover: boolean;
  /** How many messages each connection sends in all, before it is idle. Without it, messages are sent until the end. */
  readonly messagesEach?: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

export function echo(connections: number, bytes: number, inFlight: number, options: Partial<Case> = {}): Case {
  const { content = 'ascii' } = options;
  const name = `echo ${connections}x${showBytes(bytes)},${inFlight}${content === 'ascii' ? '' : ` ${content}`}`;
  return { name, mode: 'echo', connections, bytes, inFlight, content: 'ascii', isQuick: false, ...options };
}

function broadcast(subscribers: number, bytes: number, inFlight: number, options: Partial<Case> = {}): Case {
  const name = `broadcast ${subscribers}x${showBytes(bytes)},${inFlight}`;
  return {
    name,
    mode: 'broadcast',
    connections: subscribers,
    bytes,
    inFlight,
    content: 'ascii',
    isQuick: false,
    ...options,
  };
}

const QUICK = { isQuick: true };

export const SMALL_ECHO = echo(100, 20, 32, QUICK);
export const LARGE_ECHO = echo(100, 16 * KIB, 1, QUICK);

export const CASES: readonly Case[] = [
  echo(100, 20, 1, QUICK),
  SMALL_ECHO,
  echo(100, KIB, 16),
  LARGE_ECHO,
  echo(100, 16 * KIB, 1, { content: 'utf8' }),
  echo(20, 64 * KIB, 1, QUICK),
  echo(20, MIB, 1, QUICK),
  echo(4, 16 * MIB, 1),
  broadcast(500, 100, 1),
  broadcast(500, 100, 32, QUICK),
  broadcast(500, 16 * KIB, 4, QUICK),
];

/** Over TLS. */
export const TLS_CASES: readonly Case[] = [
  echo(100, 20, 1, QUICK),
  SMALL_ECHO,
  echo(100, KIB, 16),
  LARGE_ECHO,
  echo(20, 64 * KIB, 1),
  broadcast(500, 100, 1),
].map((kind) => ({ ...kind, name: `tls ${kind.name}` }));

/** Of JSON, compressed. */
export const DEFLATE_CASES: readonly Case[] = [
  compressed(echo(50, KIB, 1, QUICK)),
  compressed(echo(50, KIB, 16)),
  compressed(echo(50, 16 * KIB, 1)),
  compressed(broadcast(500, 4 * KIB, 1)),
  compressed(echo(50, KIB, 1), true),
];

function compressed(kind: Case, hasTakeover = false): Case {
  return { ...kind, name: `deflate ${kind.name}${hasTakeover ? ' takeover' : ''}`, deflate: { hasTakeover } };
}

/** A size as it is written in the names of cases: `20 B`, `16 KiB`. */
export function showBytes(bytes: number): string {
  if (bytes >= MIB && bytes % MIB === 0) return `${bytes / MIB} MiB`;
  if (bytes >= KIB && bytes % KIB === 0) return `${bytes / KIB} KiB`;
  return `${bytes} B`;
}
