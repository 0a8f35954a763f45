/**
 * What a connection needs of whatever carries its bytes. Input lands in the thread's arena; output is tried at once, and
 * what the kernel did not take is queued.
 */
export interface Transport {
  /** The descriptor that it writes to, until {@link TransportListener.onDescriptorLost}; negative if it has none. */
  readonly descriptor: number;

  /** How many queued bytes the kernel has not taken yet. */
  readonly queuedBytes: number;

  /** Changes whenever the peer has taken something, as far as that can be known. Costs a system call. */
  readonly acknowledgedBytes: number;

  /** How many bytes wait for the peer that nobody has queued: answers of TLS. May count some of the queued ones, too. */
  readonly protocolBytes: number;

  /**
   * Gives `[start, end)` of `bytes` to the kernel now, as far as it takes them, and returns how many it took. None while
   * output is queued, and always none where there is no descriptor to write to. Nothing refers to `bytes` afterwards.
   */
  tryWrite(bytes: Uint8Array, start: number, end: number): number;

  /** {@link tryWrite} of two ranges, one after the other, in one system call. */
  tryWriteBoth(head: Uint8Array, body: Uint8Array): number;

  /** Queues bytes, which must not change until `written` is called: when the kernel has them, or they will never go. */
  enqueue(bytes: Uint8Array, written?: () => void): void;

  /** Queues a copy of `[start, end)` of `bytes`. */
  enqueueCopy(bytes: Uint8Array, start: number, end: number): void;

  /** Stops reading. Also done by a listener's `onRead` that returns false. */
  pause(): void;

  /** Starts reading, or starts it again. */
  resume(): void;

  /** Sends what is queued and then FIN. Reading goes on. */
  end(): void;

  /** Drops everything at once, without FIN if input is unread. `onClose` follows, later. */
  destroy(): void;
}

/** A connection, as its transport sees it. Its methods are never called from within a call of the connection to the transport. */
export interface TransportListener {
  /**
   * Bytes have been read to `[start, end)` of the arena. They are the listener's until it returns.
   * @returns false to stop reading until `resume()`.
   */
  onRead(start: number, end: number): boolean;

  /** Where the next read should go, as [offset, length] in the arena; undefined for the window. */
  readTarget(): readonly [offset: number, length: number] | undefined;

  /** The peer has sent FIN. */
  onEnd(): void;

  /** Queued bytes have been taken by the kernel. */
  onWritten(): void;

  /** The descriptor is going to be closed, and may be somebody else's then. May be called at any time. */
  onDescriptorLost(): void;

  /** The transport is over and refers to nothing of the arena any more. This is the last call. */
  onClose(): void;
}
