/** The address of a client, for the log. @param remoteAddress undefined if it was gone before it could be asked for */
export function describePeer(remoteAddress: string | undefined): string {
  return remoteAddress ?? 'an unknown address';
}
