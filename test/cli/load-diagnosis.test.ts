import { describe, expect, it } from 'vitest';
import { diagnose, hasMeasuredNothing } from '../../dist/cli/load-diagnosis.js';
import type { LoadResult } from '../../dist/load/load-result.js';

interface Outcome {
  readonly mode?: LoadResult['mode'];
  readonly errorsByKind?: LoadResult['errorsByKind'];
  readonly messages?: number;
  readonly opened?: number;
  readonly average?: number;
}

/** The part of a result that the diagnosis reads. */
function resultOf({ mode = 'echo', errorsByKind = {}, messages = 0, opened = 0, average = 0 }: Outcome): LoadResult {
  const errors = Object.values(errorsByKind).reduce((sum, count) => sum + count, 0);
  const options = { timeoutMs: 10_000 };
  return {
    mode,
    errors,
    errorsByKind,
    messages: { total: messages },
    connections: { opened, average },
    options,
  } as LoadResult;
}

const SILENT = { 'timeout: no answer': 2 };

describe('a load', () => {
  it('that went well needs no comment, also when nothing was measured', () => {
    expect(diagnose(resultOf({ messages: 5, opened: 1 }))).toEqual([]);
    expect(hasMeasuredNothing(resultOf({ opened: 1 }))).toBe(false);
  });

  it('has measured nothing if there are errors and no figures, which depends on its mode', () => {
    const errorsByKind = SILENT;
    for (const mode of ['echo', 'broadcast'] as const) {
      expect(hasMeasuredNothing(resultOf({ mode, errorsByKind, opened: 2 }))).toBe(true);
      expect(hasMeasuredNothing(resultOf({ mode, errorsByKind, opened: 2, messages: 1 }))).toBe(false);
    }
    expect(hasMeasuredNothing(resultOf({ mode: 'connect', errorsByKind, opened: 2 }))).toBe(true);
    expect(hasMeasuredNothing(resultOf({ mode: 'connect', errorsByKind, opened: 2, average: 1 }))).toBe(false);
    expect(hasMeasuredNothing(resultOf({ mode: 'idle', errorsByKind, opened: 2 }))).toBe(false);
    expect(hasMeasuredNothing(resultOf({ mode: 'idle', errorsByKind }))).toBe(true);
  });

  it('that was answered in part does not count as one of the wrong mode', () => {
    expect(diagnose(resultOf({ errorsByKind: SILENT, opened: 2, messages: 10 }))).toEqual(['2 × timeout: no answer']);
    expect(diagnose(resultOf({ errorsByKind: SILENT, opened: 2 }))[1]).toContain('Does the server send each back');
  });

  it('names the three most frequent kinds of errors, and how many others there are', () => {
    const errorsByKind = { 'a: 1': 1, 'b: 2': 5, 'closed by the server: 1013': 3, 'connect: EMFILE': 4, 'c: 3': 2 };
    expect(diagnose(resultOf({ errorsByKind, opened: 2, messages: 10 }))).toEqual([
      '5 × b: 2',
      expect.stringMatching(/^4 × connect: EMFILE: .*ulimit -n/),
      expect.stringMatching(/^3 × closed by the server: 1013: the server has too much to do/),
      'and 2 other kinds of errors',
    ]);
  });

  it('explains common errors of connections', () => {
    const hint = (kind: string) => diagnose(resultOf({ errorsByKind: { [kind]: 1 } }))[1];
    expect(hint('connect: CERT_HAS_EXPIRED')).toContain('--insecure');
    expect(hint('connect: EPROTO')).toContain('use ws://');
    expect(hint('handshake: WSLOOM_RESPONSE_STATUS (503)')).toContain('no room for more connections');
    expect(hint('handshake: WSLOOM_RESPONSE_STATUS (500)')).toMatch(/HTTP 500 instead of 101$/);
    expect(hint('handshake: WSLOOM_RESPONSE_ACCEPT')).toContain('there is no WebSocket server there');
    expect(hint('connect: DEPTH_ZERO_SELF_SIGNED_CERT')).toContain('NODE_EXTRA_CA_CERTS');
    for (const code of ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_NOT_YET_VALID']) {
      expect(hint(`connect: ${code}`)).toContain('--insecure');
    }
    for (const code of ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE']) {
      expect(hint(`connect: ${code}`)).toContain('certificate of the client');
    }
    expect(hint('connect: ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')).toContain('version of TLS');
    expect(hint('handshake: WSLOOM_RESPONSE_STATUS (400)')).toContain('use wss://');
    expect(hint('connect: EWHATEVER')).toBe('1 × connect: EWHATEVER');
    expect(hint('lost: without a Close')).toContain('wss://');
  });
});
