/** Of the servers, low enough for the load to meet them. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024;
export const MAX_BACKPRESSURE_BYTES = 4 * 1024 * 1024;

/** Low enough for them to be met in seconds, and for nobody else to meet them. */
export const ATTACKED = {
  maxConnectionsPerIp: 400,
  handshakeTimeoutMs: 6000,
  stallTimeoutMs: 4000,
} as const;
