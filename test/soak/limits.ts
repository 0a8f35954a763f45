/** Of the servers, low enough for the load to meet them. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024;
export const MAX_BACKPRESSURE_BYTES = 4 * 1024 * 1024;
