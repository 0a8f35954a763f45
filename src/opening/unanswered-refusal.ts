import { describePeer } from '../host/describe-peer.js';
import type { IncidentLog } from '../telemetry/incident-log.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { EarlyRefusal } from './places.js';
import { tellRefused } from './refused-channel.js';

/** Why a connection is closed without an answer, and what the answer would have been. */
type UnansweredRefusal = Pick<EarlyRefusal, 'incident' | 'body'>;

/** Counts, reports and tells that a connection is closed without an answer. Whoever calls this closes it. */
export function noteUnanswered(
  incidents: IncidentLog,
  { incident, body }: UnansweredRefusal,
  remoteAddress: string | undefined,
): void {
  const who = describePeer(remoteAddress);
  incidents.add(incident, who);
  incidents.add(LimitIncident.REFUSED_UNANSWERED, who);
  tellRefused(undefined, body, remoteAddress);
}
