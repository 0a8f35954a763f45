/** Opcodes: what a frame is, in the low four bits of its first byte (RFC 6455 section 5.2). All others are reserved. */
export const Opcode = {
  CONTINUATION: 0x0,
  TEXT: 0x1,
  BINARY: 0x2,
  CLOSE: 0x8,
  PING: 0x9,
  PONG: 0xa,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(Opcode).map(([name, opcode]) => [opcode, name]));

/** The name of an opcode, such as `TEXT`; undefined for a reserved one. */
export function opcodeName(opcode: number): string | undefined {
  return NAMES.get(opcode);
}

/** This bit is set in the first byte of a message's last frame (RFC 6455 section 5.2), and of every control frame (section 5.5). */
export const FIN = 0x80;

/** The longest payload of a control frame, in bytes (RFC 6455 section 5.5). */
export const MAX_CONTROL_PAYLOAD_BYTES = 125;

/** This bit is set in the first byte of a message's first frame if the message is compressed (RFC 7692 section 6). */
export const RSV1 = 0x40;

/** The reserved bits of a frame's first byte (RFC 6455 section 5.2). Without an extension that uses them they are zero. */
export const RSV_BITS = 0x70;
