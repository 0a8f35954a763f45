import type { TLSSocket } from 'node:tls';
import type { ClientTls } from '../connection/client-tls.js';

/**
 * What the application may know of the TLS of a connection.
 * @param authorized whether the client has shown a certificate that is trusted. A certificate that is not is not told: it may claim
 * anything.
 */
export function describeTls(socket: TLSSocket, authorized: boolean): ClientTls {
  const { servername } = socket as { readonly servername?: string | false | null };
  const certificate = authorized ? socket.getPeerX509Certificate() : undefined;
  return {
    version: socket.getProtocol() ?? '',
    servername: typeof servername === 'string' ? servername : undefined,
    authorized: certificate !== undefined,
    certificate:
      certificate === undefined
        ? undefined
        : {
            subject: certificate.subject,
            subjectAltName: certificate.subjectAltName,
            issuer: certificate.issuer,
            serialNumber: certificate.serialNumber,
            fingerprint256: certificate.fingerprint256,
            validTo: Date.parse(certificate.validTo),
          },
  };
}
