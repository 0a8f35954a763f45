import { CloseCode, type CloseStatus } from './close.js';
import { closePayload, fittingReason, readCloseStatus } from './close-payload.js';

/** How far a connection is from open to closed (RFC 6455 section 7.1). It moves forward only. */
export const ClosingState = {
  OPEN: 0,
  /** This side's Close has been sent, and the peer's is awaited. */
  CLOSING: 1,
  /** Nothing is exchanged any more: output that waits is sent, and input is discarded until TCP is closed. */
  FINISHING: 2,
  /** TCP is closed. */
  CLOSED: 3,
} as const;

export type ClosingState = (typeof ClosingState)[keyof typeof ClosingState];

/** How a connection has ended whose peer has not sent a Close (section 7.1.5). */
export const ABNORMAL_CLOSURE: CloseStatus = { code: CloseCode.ABNORMAL, reason: '' };

/**
 * The closing handshake (RFC 6455 section 7), as a server and a client go through it alike.
 *
 * | what happens        | method    | owed to the peer                | from → to               |
 * |---------------------|-----------|---------------------------------|-------------------------|
 * | this side closes    | `begin`   | a Close                         | OPEN → CLOSING          |
 * | a Close arrives     | `receive` | an echo of its code, from OPEN  | any → FINISHING         |
 * | the peer does wrong | `fail`    | a Close that says why, from OPEN | any → FINISHING        |
 * | TCP ends without it | `lost`    | nothing                         | any → FINISHING         |
 * | TCP is closed       | `closed`  | nothing                         | any → CLOSED            |
 *
 * A method whose column says so returns the payload of the Close frame that the caller has to send, or undefined if no Close is
 * to be sent: each side sends one at most (section 5.5.1).
 */
export class ClosingHandshake {
  #state: ClosingState = ClosingState.OPEN;
  #received: CloseStatus | undefined;
  #failure: CloseStatus | undefined;

  get state(): ClosingState {
    return this.#state;
  }

  /** Whether nothing is exchanged any more. */
  get isFinished(): boolean {
    return this.#state >= ClosingState.FINISHING;
  }

  /** What the peer's Close has said, if it has sent one. */
  get received(): CloseStatus | undefined {
    return this.#received;
  }

  /** Why this side has failed the connection, if it has. */
  get failure(): CloseStatus | undefined {
    return this.#failure;
  }

  /**
   * Section 7.1.2: this side starts to close.
   * @param code 1000 to 1003, 1007 to 1014, or 3000 to 4999.
   * @param reason at most 123 bytes of UTF-8.
   * @throws CloseArgumentError if they cannot be sent, whatever the state.
   */
  begin(code: number, reason: string): Uint8Array | undefined {
    const payload = closePayload(code, reason);
    if (this.#state !== ClosingState.OPEN) return undefined;
    this.#state = ClosingState.CLOSING;
    return payload;
  }

  /**
   * Sections 5.5.1 and 7.1.4: the peer's Close has come. It is answered with the same code, unless a Close was sent before.
   * @param payload of the Close frame, unmasked.
   * @throws ProtocolError if the payload is malformed. Nothing has changed then, and the caller fails the connection.
   */
  receive(payload: Uint8Array): Uint8Array | undefined {
    const received = readCloseStatus(payload);
    this.#received ??= received;
    const { code } = received;
    return this.#finish() ? closePayload(code === CloseCode.NO_STATUS ? undefined : code) : undefined;
  }

  /**
   * The connection is failed (section 7.1.7). The peer gets a Close with code and reason, unless a Close was sent before.
   * @param reason is cut to the length that a Close frame can hold.
   */
  fail(code: number, reason: string): Uint8Array | undefined {
    if (this.isFinished) return undefined;
    this.#failure ??= { code, reason };
    return this.#finish() ? closePayload(code, fittingReason(reason)) : undefined;
  }

  /**
   * TCP has ended, or is about to be cut, and no Close can be sent.
   * @param failure why, if this side has decided so.
   */
  lost(failure?: CloseStatus): void {
    this.#failure ??= failure;
    this.#finish();
  }

  /** Section 7.1.4: TCP is closed. */
  closed(): void {
    this.#state = ClosingState.CLOSED;
  }

  /** @returns whether the connection was open, and so a Close is due. */
  #finish(): boolean {
    const isDue = this.#state === ClosingState.OPEN;
    if (!this.isFinished) this.#state = ClosingState.FINISHING;
    return isDue;
  }
}
