import { EventChannel } from '../telemetry/event-channel.js';

/** What is published on `wsloom:refused`: a client that wanted a WebSocket does not get one. */
export interface UpgradeRefused {
  /** The status of the answer; undefined if the connection was closed without one, because too many were above a limit. */
  readonly status: number | undefined;
  /** The text of the answer, at most 200 characters of it. It may quote the request, so there may be any number of different ones. */
  readonly reason: string;
  /** The IP address of the client; undefined if it is not known. */
  readonly remoteAddress: string | undefined;
}

/** How many characters of an answer are told: an application may answer with a page. */
export const MAX_REASON_CHARACTERS = 200;

export const refusedChannel = new EventChannel<UpgradeRefused>('wsloom:refused');
