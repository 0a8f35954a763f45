/**
 * The rule for pongs (RFC 6455 sections 5.5.2 and 5.5.3): each ping is answered with its own payload, at once; of pings that come
 * while output waits for the peer, only the latest is answered, when the output is gone. So a peer that pings and does not read is
 * owed one pong at most.
 */
export class PendingPong {
  #payload: Uint8Array | undefined;

  /**
   * Takes a ping.
   * @param payload is copied if it has to wait.
   * @param isOutputWaiting whether something was sent that the system has not taken yet.
   * @returns the payload of the pong that the caller has to send now; undefined if it waits.
   */
  receive(payload: Uint8Array, isOutputWaiting: boolean): Uint8Array | undefined {
    this.#payload = isOutputWaiting ? new Uint8Array(payload) : undefined;
    return isOutputWaiting ? undefined : payload;
  }

  /** The payload of the pong that waits, to be sent now; undefined if none does. */
  take(): Uint8Array | undefined {
    const payload = this.#payload;
    this.#payload = undefined;
    return payload;
  }
}
