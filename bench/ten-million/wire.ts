/** What a message is on the network, by the standards: WebSocket, TCP and IP with time stamps, Ethernet. */

/** A client masks what it sends. */
export const FRAME_MASK_BYTES = 4;

const MTU = 1500;
/** IPv4 20, TCP 20, and its time stamps 12. */
export const TCP_IP_BYTES = 52;
/** Preamble 8, header 14, checksum 4, and the gap to the next packet, which is as long as 12 bytes. */
export const ETHERNET_BYTES = 38;

/** The header of a frame that a server sends (RFC 6455, section 5.2). */
export function frameHeaderBytes(payloadBytes: number): number {
  if (payloadBytes < 126) return 2;
  return payloadBytes < 65536 ? 4 : 10;
}

/** What so many bytes of TCP take of an Ethernet. Without any it is an acknowledgement. */
export function onWire(bytes: number): number {
  const packets = Math.max(1, Math.ceil(bytes / (MTU - TCP_IP_BYTES)));
  return bytes + packets * (TCP_IP_BYTES + ETHERNET_BYTES);
}
