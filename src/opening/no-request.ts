/** The signature of the PROXY protocol's second version, up to its first byte that is no text. */
const PROXY_V2 = '\r\n\r\n\0\r\nQUIT\n';

/**
 * Says what came instead of an HTTP request, for the answer and the log.
 * @param bytes the bytes that were read together; undefined if they are not known.
 */
export function describeNoRequest(bytes: Uint8Array | undefined): string {
  const start = bytes === undefined ? '' : Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (start.startsWith('PROXY ') || start === PROXY_V2) {
    return 'this is the PROXY protocol, which is not expected here: turn it on (proxyProtocol, --proxy-protocol), or off in the proxy';
  }
  if (start.startsWith('\x16\x03')) return 'this is TLS, which is not spoken here: connect with http: or ws:';
  return 'this is no request that can be answered';
}
