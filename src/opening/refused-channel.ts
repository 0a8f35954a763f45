import { channel } from 'node:diagnostics_channel';

/** What is published on `wsloom:refused`: a client that wanted a WebSocket does not get one. */
export interface UpgradeRefused {
  /** The status of the answer; undefined if the connection was closed without one, because too many were above a limit. */
  readonly status: number | undefined;
  /** The text of the answer, at most 200 characters of it. It may quote the request, so there may be any number of different ones. */
  readonly reason: string;
  /** The IP address of the client, or of a proxy that has not said for whom it connects; undefined if it is not known. */
  readonly remoteAddress: string | undefined;
}

/** How many characters of an answer are told: an application may answer with a page. */
const MAX_REASON_CHARACTERS = 200;

const refusedChannel = channel('wsloom:refused');

/** Tells subscribers that a client is refused. @param body the text of the answer, or of the one that it does not get */
export function tellRefused(status: number | undefined, body: string, remoteAddress: string | undefined): void {
  if (!refusedChannel.hasSubscribers) return;
  const reason = body.slice(0, MAX_REASON_CHARACTERS).trim();
  refusedChannel.publish({ status, reason, remoteAddress } satisfies UpgradeRefused);
}
