/** Limits of the servers, low enough for the load to meet them. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024;
export const MAX_BACKPRESSURE_BYTES = 4 * 1024 * 1024;

/** Limits that attackers meet within seconds, and other clients do not. */
export const ATTACKED = {
  maxConnectionsPerIp: 400,
  handshakeTimeoutMs: 6000,
  stallTimeoutMs: 4000,
} as const;
