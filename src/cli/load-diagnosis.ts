import { NO_ANSWER, NO_CLOSE, TIMEOUT, UNEXPECTED, WRONG } from '../load/failures.js';
import type { LoadResult } from '../load/load-result.js';

/** How many kinds of errors are explained: the most frequent. */
const MOST_KINDS = 3;

/** How a certificate becomes trusted. */
const TRUST = '--insecure takes any, NODE_EXTRA_CA_CERTS=<file> trusts one';

const WANTS_CERTIFICATE = 'the server wants a certificate of the client, and wsloom load has none';

/** A code of the system or of TLS, and what to do about it. */
const CONNECT_HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there: is the server running, and is the port right?',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host could not be looked up now',
  EHOSTUNREACH: 'the host cannot be reached from here',
  ENETUNREACH: 'the network cannot be reached from here',
  ETIMEDOUT: 'the host does not answer',
  ECONNRESET: 'the server reset the connection before it answered the opening handshake',
  EMFILE: 'this process may have no more descriptors: raise ulimit -n, or use fewer connections (-c)',
  EADDRNOTAVAIL: 'this machine has no more ports for one address: use fewer connections (-c)',
  DEPTH_ZERO_SELF_SIGNED_CERT: `the certificate is self-signed: ${TRUST}`,
  SELF_SIGNED_CERT_IN_CHAIN: `its authority is not trusted here: ${TRUST}`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `its authority is not trusted here, or the server does not send the whole chain: ${TRUST}`,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: `its authority is not trusted here, or the server does not send the whole chain: ${TRUST}`,
  CERT_HAS_EXPIRED: 'the certificate has expired: --insecure takes any',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet: --insecure takes any',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another name: --insecure takes any',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: WANTS_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: `${WANTS_CERTIFICATE}; or it has no cipher suite in common with this client`,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the server speaks another version of TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server speaks no TLS there: use ws://',
  EPROTO: 'the server speaks no TLS there: use ws://',
};

const STATUS_HINTS: Readonly<Record<number, string>> = {
  400: 'it did not understand the request: if the port speaks TLS, use wss://',
  401: 'it wants credentials (-H)',
  403: 'it does not let this client in: maybe it wants a header (-H), like an Origin',
  404: 'there is no WebSocket on this path',
  426: 'it wants another version of the protocol',
  503: 'it has no room for more connections, or is going away',
};

/** What the close codes of a server mean for a load. */
const CLOSE_HINTS: Readonly<Record<string, string>> = {
  1001: 'it is going away',
  1003: 'it does not take such messages: maybe it wants the other of --text and --binary',
  1007: 'it does not take such messages: maybe it wants the other of --text and --binary',
  1008: 'a policy of the server, like a limit of how much may be sent',
  1009: 'the message is longer than the server takes (--size)',
  1011: 'the server has failed: its log says why',
  1013: 'the server has too much to do, or this client took too little of what it was sent',
};

/** Whether there are no figures to be shown, because of what went wrong. */
export function hasMeasuredNothing({ mode, errors, messages, connections }: LoadResult): boolean {
  if (errors === 0) return false;
  if (mode === 'idle') return connections.opened === 0;
  return mode === 'connect' ? connections.average === 0 : messages.total === 0;
}

/** What went wrong, a line each; none if nothing did. */
export function diagnose(result: LoadResult): string[] {
  const { errorsByKind, connections } = result;
  const kinds = Object.entries(errorsByKind).sort(([, a], [, b]) => b - a);
  const lines = kinds.slice(0, MOST_KINDS).map(([kind, count]) => {
    const hint = hintFor(kind, result);
    return `${count} × ${kind}${hint === undefined ? '' : `: ${hint}`}`;
  });
  if (kinds.length > MOST_KINDS) lines.push(`and ${kinds.length - MOST_KINDS} other kinds of errors`);
  if (hasMeasuredNothing(result)) {
    lines.unshift(`nothing was measured${connections.opened === 0 ? ', no connection could be opened' : ''}`);
  }
  return lines;
}

function hintFor(kind: string, result: LoadResult): string | undefined {
  const { mode, options, messages } = result;
  const seconds = options.timeoutMs / 1000;
  const [, code = ''] = /^connect: (\w+)$/.exec(kind) ?? [];
  if (code !== '') return CONNECT_HINTS[code];
  const [, status = ''] = /^handshake: WSLOOM_RESPONSE_STATUS \((\d+)\)$/.exec(kind) ?? [];
  if (status !== '') return `the server answered with HTTP ${status} instead of 101${hintForStatus(Number(status))}`;
  if (kind.startsWith('handshake: ')) return 'there is no WebSocket server there, or it is at wss://';
  if (kind === `${TIMEOUT}opening handshake`) return `the server did not answer within ${seconds} s (--timeout)`;
  const [, closeCode = ''] = /^closed by the server: (\d+)$/.exec(kind) ?? [];
  if (closeCode !== '') return CLOSE_HINTS[closeCode];
  if (kind === NO_CLOSE && result.connections.opened === 0) {
    return 'the server closed the connection before it answered: does it speak WebSocket there, or want wss://?';
  }
  if (kind === UNEXPECTED && mode === 'echo' && result.connections.opened > 1) {
    return 'does the server send each message to all connections, as wsloom serve broadcast does? Then use --mode broadcast';
  }
  // Others may have been answered: then it is only slow.
  if (messages.total > 0) return undefined;
  if (kind === NO_ANSWER) {
    return mode === 'broadcast'
      ? `what was published reached nobody within ${seconds} s. Does the server send each message to all connections, as wsloom serve broadcast does? If it sends it back, use --mode echo`
      : `no message came back within ${seconds} s. Does the server send each back, as wsloom serve echo does? If it does not answer, use --expect none`;
  }
  if (kind === WRONG || kind === UNEXPECTED) {
    return `the server does not ${mode === 'broadcast' ? 'pass messages on' : 'send messages back'} as they were, or says something first`;
  }
  return undefined;
}

function hintForStatus(status: number): string {
  const hint = STATUS_HINTS[status];
  if (hint !== undefined) return `: ${hint}`;
  if (status >= 300 && status < 400) return ': it redirects, which is not followed';
  return status < 300 ? ': it speaks HTTP, but no WebSocket on this path' : '';
}
