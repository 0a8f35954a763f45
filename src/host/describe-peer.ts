/**
 * The address of a client, for the log.
 * @param remoteAddress undefined for a client of a unix socket, or if the client was gone before its address could be read
 */
export function describePeer(remoteAddress: string | undefined): string {
  return remoteAddress ?? 'a client without an address';
}
