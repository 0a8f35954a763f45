import { X509Certificate } from 'node:crypto';
import { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Encryption } from '../../dist/opening/encryption.js';
import type { ClientVerdict, ThreadTls } from '../../dist/tls/thread-tls.js';
import { pem } from '../tls/certificates.js';

const AUTHORIZED: ClientVerdict = { isAdmitted: true, isAuthorized: true, reason: undefined };
const UNTRUSTED: ClientVerdict = { isAdmitted: true, isAuthorized: false, reason: 'UNABLE_TO_GET_ISSUER_CERT' };
const SHOWN = new X509Certificate(pem('client.crt'));

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** A connection over TLS whose client has shown a certificate. @param authorized what Node says of it. */
function encrypted(authorized: boolean): TLSSocket {
  const socket = new TLSSocket(new Socket());
  sockets.push(socket);
  vi.spyOn(socket, 'getPeerX509Certificate').mockReturnValue(SHOWN);
  return Object.assign(socket, { authorized });
}

describe('what is told of the TLS of a connection', () => {
  it('is nothing if it is not encrypted', () => {
    const encryption = new Encryption();
    expect(encryption.of(new PassThrough())).toBeUndefined();
    expect(encryption.of(new Socket())).toBeUndefined();
  });

  it.each([
    ['is the certificate of a client that the rules trust', AUTHORIZED, false, true],
    ['is no certificate of a client that they do not trust, whatever Node says', UNTRUSTED, true, false],
    ['is the certificate that another server of the application has trusted', undefined, true, true],
    ['is no certificate that another server has not trusted', undefined, false, false],
  ])('%s', (_, verdict, ofNode, isTold) => {
    const encryption = new Encryption();
    const socket = encrypted(ofNode);
    if (verdict !== undefined) encryption.note(socket, verdict);
    const told = encryption.of(socket);
    expect(told?.authorized).toBe(isTold);
    expect(told?.certificate?.fingerprint256).toBe(isTold ? SHOWN.fingerprint256 : undefined);
  });

  it('is that nobody is authorized who has shown no certificate', () => {
    const encryption = new Encryption();
    const socket = encrypted(true);
    vi.spyOn(socket, 'getPeerX509Certificate').mockReturnValue(undefined);
    expect(encryption.of(socket)).toMatchObject({ authorized: false, certificate: undefined });
  });
});

describe('the host of a request', () => {
  it('is judged on connections of our server only: others have rules of their own', () => {
    const encryption = new Encryption();
    const [own, other] = [encrypted(true), encrypted(true)];
    encryption.note(own, AUTHORIZED);
    expect(encryption.covers(own, 'a.example')).toBe(true);
    encryption.tls = { covers: (_: unknown, host: string) => host === 'b.example' } as unknown as ThreadTls;
    expect(encryption.covers(own, 'a.example')).toBe(false);
    expect(encryption.covers(own, 'b.example')).toBe(true);
    expect(encryption.covers(other, 'a.example')).toBe(true);
    expect(encryption.covers(new PassThrough(), 'a.example')).toBe(true);
  });
});
