import { ByteFeeder } from '../../dist/capture/byte-feeder.js';
import type { CapturedPacket } from '../../dist/capture/captured-packet.js';
import { Inspection, type InspectionEvent, type InspectionTotals } from '../../dist/capture/inspection.js';
import { isPcap, parsePcap } from '../../dist/capture/pcap.js';
import { parsePcapng } from '../../dist/capture/pcapng.js';
import { messageInflater } from '../../dist/cli/message-deflate.js';
import type { DeflateParameters } from '../../dist/protocol/deflate/parameters.js';
import { sha1Base64 } from '../../dist/system/sha1.js';
import type { Side } from './talk.js';

/** What the packets of a file are. @param cut how many bytes are fed at a time. */
export function packetsIn(file: Uint8Array, cut = 65_536): CapturedPacket[] {
  const feeder = new ByteFeeder(isPcap(file) ? parsePcap() : parsePcapng());
  const packets: CapturedPacket[] = [];
  for (let at = 0; at < file.length; at += cut) {
    for (const packet of feeder.feed(file.subarray(at, at + cut))) {
      packets.push({ ...packet, bytes: packet.bytes.slice() });
    }
  }
  return packets;
}

export interface Inspected {
  readonly events: readonly InspectionEvent[];
  readonly totals: InspectionTotals;
}

/** What there is in captured packets. */
export function inspected(packets: Iterable<CapturedPacket>, assumedDeflate?: DeflateParameters): Inspected {
  const inspection = new Inspection({ keptBytes: 1024, assumedDeflate, makeInflater: messageInflater, sha1Base64 });
  const events: InspectionEvent[] = [];
  for (const packet of packets) events.push(...inspection.take(packet));
  events.push(...inspection.end());
  return { events, totals: inspection.totals };
}

/** The events of a kind. */
export function only<K extends InspectionEvent['kind']>({ events }: Inspected, kind: K) {
  return events.filter((event): event is Extract<InspectionEvent, { kind: K }> => event.kind === kind);
}

/** Where the frames of a side begin, and the messages that end with them, as text. */
export function framesOf(result: Inspected, from: Side): [at: number, message: string | undefined][] {
  return only(result, 'frame')
    .filter((event) => event.from === from)
    .map(({ frame }) => [frame.at, frame.message && Buffer.from(frame.message.payload).toString()]);
}

/** The broken rules, with their places. */
export function brokenIn(result: Inspected): [from: Side, at: number, rule: string, section: string][] {
  return only(result, 'violation').map(({ violation: { from, at, rule, section } }) => [from, at, rule, section]);
}
