/** The address of a client, for the log. @param remoteAddress undefined if the client was gone before its address could be read */
export function describePeer(remoteAddress: string | undefined): string {
  return remoteAddress ?? 'an unknown address';
}
