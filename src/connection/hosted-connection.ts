import { CloseCode, type CloseStatus } from '../protocol/close.js';
import { ABNORMAL_CLOSURE, ClosingHandshake, ClosingState } from '../protocol/closing-handshake.js';
import { FrameEvent, type FrameReader } from '../protocol/frame-reader.js';
import { FIN, MAX_CONTROL_PAYLOAD_BYTES, Opcode } from '../protocol/opcode.js';
import { PendingPong } from '../protocol/pending-pong.js';
import { ProtocolError } from '../protocol/protocol-error.js';
import type { FrameMemory } from '../pubsub/frame-joiner.js';
import type { Publisher, Subscriber, Topics } from '../pubsub/topics.js';
import type { Connection, SendData } from './connection.js';
import type { ConnectionInfo } from './connection-info.js';
import { Counter } from './counters.js';
import type { ConnectionEnvironment } from './environment.js';
import { Guard } from './guard.js';
import { Incident } from './incident.js';
import { Input, type InputListener } from './input.js';
import { isPromise } from './is-promise.js';
import { LentMessage } from './message.js';
import { NO_LANE, type OutBuffer } from './out-buffer.js';
import { problemOfOpen } from './open-answer.js';
import { DIRECT_WRITE_BYTES, MAX_GATHERED_BYTES, NO_SLAB, Output } from './output.js';
import { payloadBytes, payloadOf } from './payload.js';
import { checkTopic, publishTo } from './publish-to.js';
import type { Transport, TransportListener } from './transport.js';
import { Turn } from './turn.js';

/** After a read of so many bytes it is asked how much time the connection has had: there may be as much again at once. */
const LONG_READ_BYTES = 64 * 1024;

/** Overwrites messages in poison mode: no text, no frame header, and easily recognised. */
const POISON = 0xdb;

/**
 * A connection in the thread that hosts it: bytes from a transport through the framing loop to the handler, and back.
 */
export class HostedConnection implements Connection, TransportListener, InputListener, Subscriber, Publisher {
  readonly id: number;
  readonly remoteAddress: string | undefined;
  readonly path: string;
  readonly query: string;
  readonly subprotocol: string;
  data: unknown;

  /** See {@link Subscriber}. */
  topics: Set<string> | undefined;
  batch = 0;
  runsTaken = 0;
  slot = -1;

  readonly #env: ConnectionEnvironment;
  readonly #input: Input;
  readonly #transport: Transport;
  readonly #output: Output;
  readonly #out: OutBuffer;
  readonly #topics: Topics;
  readonly #guard: Guard;
  // What the guard would be asked, or told, for each read and message: it is an object of its own, and seldom in the cache.

  /** How many bytes, and messages, fragments, pings and pongs, may come before the guard has to be asked again. */
  #bytesLeft = 0;
  #messagesLeft = 0;
  /** Whether anything was read, or a message received or sent, since the last tick. */
  #hasHeard = false;
  #hasMessage = false;
  /** Whether the guard knows of something that the input keeps. */
  #isKeeping = false;
  /** Whether what is gathered alone can never be above the high-water mark. */
  readonly #gathersBelowMark: boolean;
  /** Whether the output was above the high-water mark when something was last added to it, or publications are to wait. */
  #isFull = false;
  /** What this connection has published to when a thread was owed too much, and waits for: see {@link holdBack}. */
  #awaitedTopic: string | undefined;
  /** Messages of this read, and those sent by the {@link OutBuffer.lane}, that are not counted yet. */
  #messagesIn = 0;
  #messagesOut = 0;
  readonly #closing = new ClosingHandshake();
  /** Whether the closing handshake has not begun: the same as its state, which hot loops do not look up. */
  #isOpen = true;
  #message: LentMessage | undefined;

  #isOpening = true;
  /** What has arrived is handled, and no more is read: see {@link stopReading}. */
  #isStopped = false;
  /** The peer's FIN has come, maybe before everything in front of it could be handled. */
  #peerEnded = false;
  /** `send` has returned false, and `drain` is due. */
  #owesDrain = false;
  /** Made with the first ping. */
  #pendingPong: PendingPong | undefined;

  /** @param connect makes the transport, which is paused and calls this listener. */
  constructor(env: ConnectionEnvironment, info: ConnectionInfo, connect: (listener: TransportListener) => Transport) {
    this.#env = env;
    this.id = info.id;
    this.remoteAddress = info.remoteAddress;
    this.path = info.path;
    this.query = info.query;
    this.subprotocol = info.subprotocol;
    this.data = info.data;
    this.#input = new Input(env.arena, env.kernel, env.limits, this);
    this.#transport = connect(this);
    this.#out = env.outBuffer;
    this.#topics = env.topics;
    this.#output = new Output(env.arena, env.outBuffer, env.pinned, this.#transport, this);
    this.#guard = new Guard(env, this, this.#input, this.#transport);
    this.#gathersBelowMark = env.limits.highWaterMarkBytes >= MAX_GATHERED_BYTES;
  }

  /** Calls `open`, and begins to read: first `head`, which was read by somebody else. */
  start(head: Uint8Array): void {
    const { handler, counters } = this.#env;
    counters.add(Counter.BYTES_IN, head.length);
    this.#env.turn.begin();
    const { publisher } = this.#topics; // the hook of another connection may have opened this one
    this.#topics.publisher = this;
    try {
      this.#input.add(head);
      this.#hasHeard = true;
      this.#bytesLeft -= head.length;
      this.#noteInput();
      const answer: unknown = handler.open?.(this);
      if (isPromise(answer)) {
        const opened: Promise<unknown> = Promise.resolve(answer);
        this.#env.track(opened);
        opened.then(
          (later) => {
            this.#judgeOpen(later);
            this.#opened();
          },
          (error: unknown) => {
            this.#failHook('open', error);
            this.#opened();
          },
        );
      } else {
        this.#judgeOpen(answer);
        this.#opened();
      }
    } catch (error) {
      this.#failHook('open', error);
      this.#opened();
    } finally {
      this.#topics.publisher = publisher;
      this.#env.turn.end();
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get bufferedAmount(): number {
    return this.#output.bufferedBytes;
  }

  send(data: SendData): boolean {
    // Hot: what the first of many has asked is not asked again: 32 of 20 bytes take 860 ns so, and took 1550 before.
    if (data === this.#out.lane && data === this.#message && this.#message.isLive && !this.#topics.hasPending) {
      const { firstByte, start, length } = this.#message.reader;
      if (this.#out.later(firstByte, start, length)) {
        this.#messagesOut++;
        return true;
      }
    }
    return this.#sendAny(data);
  }

  #sendAny(data: SendData): boolean {
    if (!this.#isOpen || !this.#beforeOutput()) return false;
    if (!this.#output.isIdle && !this.#hasRoomFor(payloadBytes(data), 1)) return false;
    if (data instanceof LentMessage) this.#sendMessage(data);
    else if (typeof data === 'string') this.#output.frameOfString(FIN | Opcode.TEXT, data);
    else {
      const payload = payloadOf(data);
      this.#output.frame(FIN | Opcode.BINARY, payload, 0, payload.length);
    }
    this.#env.counters.add(Counter.MESSAGES_OUT, 1);
    this.#hasMessage = true;
    return (this.#output.isIdle && this.#gathersBelowMark) || this.#isBelowHighWaterMark();
  }

  ping(payload: string | Uint8Array = ''): boolean {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payloadOf(payload);
    if (bytes.length > MAX_CONTROL_PAYLOAD_BYTES) {
      throw new RangeError(
        `the payload of a ping must be at most ${MAX_CONTROL_PAYLOAD_BYTES} bytes, got ${bytes.length}`,
      );
    }
    if (!this.#isOpen || !this.#beforeOutput()) return false;
    if (!this.#output.isIdle && !this.#hasRoomFor(bytes.length, 0)) return false;
    this.#output.frame(FIN | Opcode.PING, bytes, 0, bytes.length);
    return this.#isBelowHighWaterMark();
  }

  close(code: number = CloseCode.NORMAL, reason = ''): void {
    if (this.#isOpen) {
      this.#sendPendingPong();
      this.#beforeOutput();
    }
    const payload = this.#closing.begin(code, reason);
    if (payload === undefined) return;
    this.#sendClose(payload);
    this.#leaveOpen();
  }

  terminate(): void {
    this.cut();
  }

  /** Ends it without a Close. @param failure what the hook `close` is told; by default 1006, unless more is known */
  cut(failure?: CloseStatus): void {
    if (this.#closing.state === ClosingState.CLOSED) return;
    this.#topics.forget(this);
    if (this.#isOpen) this.#env.onConnectionClosing(this);
    this.#isOpen = false;
    this.#closing.lost(failure);
    // What only waits for others of the same phase was sent long ago, as its sender sees it.
    if (this.#output.isIdle) this.#output.flush();
    this.#output.drop();
    this.#transport.destroy();
  }

  subscribe(topic: string): void {
    checkTopic(topic);
    if (!this.#isOpen) return;
    const { topics } = this.#env;
    // Here, although `Topics.subscribe` does it for new subscribers too: what is pending may be too much, and end this connection.
    topics.catchUp(this);
    if (this.isOpen) topics.subscribe(this, topic);
  }

  unsubscribe(topic: string): void {
    checkTopic(topic);
    if (this.#topics.takeSent(this)) this.#hasMessage = true; // with the last topic, the topics forget it
    this.#topics.unsubscribe(this, topic);
  }

  publish(topic: string, data: SendData): boolean {
    return publishTo(this.#env.topics, topic, this, data);
  }

  holdBack(topic: string): void {
    this.#isFull = true; // ends the hand-out, see there; what is asked then is `acceptsInput`
    this.#awaitedTopic = topic;
    this.#env.throttled.add(this);
  }

  onMissed(): void {
    const { limits } = this.#env;
    if (!this.#isOpen || limits.slowConsumer === 'drop') return; // who has not posted it has counted it
    this.#env.onLimit(this, Incident.MISSED);
    this.#topics.forget(this);
    this.fail(CloseCode.TRY_AGAIN_LATER, 'missed publications');
  }

  deliver(memory: FrameMemory, start: number, end: number, messages: number): void {
    if (!this.#output.isIdle && !this.#hasRoomFor(end - start, messages)) return;
    this.#output.frames(memory, start, end);
    this.#env.counters.add(Counter.MESSAGES_OUT, messages);
    this.#hasMessage = true;
    this.#isAboveHighWaterMark();
  }

  get clearDescriptor(): number {
    return this.#output.isClear ? this.#transport.descriptor : -1;
  }

  // What output and transport tell.

  onOutput(): void {
    this.#topics.block(this);
  }

  onDescriptorLost(): void {
    this.#topics.block(this);
  }

  // Each of these is a turn of the thread.

  onRead(start: number, end: number): boolean {
    const { turn, counters } = this.#env;
    turn.begin();
    const { publisher } = this.#topics;
    this.#topics.publisher = this;
    try {
      counters.add(Counter.BYTES_IN, end - start);
      this.#hasHeard = true;
      this.#bytesLeft -= end - start;
      if (this.#bytesLeft <= 0) this.#askGuard();
      const goesOn = this.#input.read(start, end);
      this.#noteInput();
      if (end - start >= LONG_READ_BYTES) this.#guard.askTime();
      return goesOn && !this.#isStopped && !this.#guard.givesWay;
    } finally {
      this.#endReadTurn(publisher);
    }
  }

  readTarget(): readonly [offset: number, length: number] | undefined {
    return this.#input.target();
  }

  onWritten(): void {
    const { turn, limits } = this.#env;
    turn.begin();
    try {
      if (this.#output.isIdle) this.#sendPendingPong();
      // What is only gathered may be taken at once, and then nobody would call here again.
      if (this.#output.isIdle) this.#output.flush();
      if (this.#output.bufferedBytes * 2 > limits.highWaterMarkBytes) return;
      if (this.#owesDrain) {
        this.#owesDrain = false;
        if (this.#isOpen) this.#callDrain();
      }
      if (this.#input.isHeld && !this.#isOpening && !this.#guard.givesWay) this.#resume();
    } finally {
      turn.end();
    }
  }

  onEnd(): void {
    if (this.#closing.isFinished) return;
    this.#peerEnded = true;
    if (!this.#input.hasUnhandled) this.#onLost();
  }

  onClose(): void {
    if (this.#closing.state === ClosingState.CLOSED) return;
    const { turn, topics, handler } = this.#env;
    if (this.#isOpen) this.#env.onConnectionClosing(this);
    this.#isOpen = false;
    this.#closing.closed();
    topics.forget(this);
    this.#output.drop();
    this.#input.close();
    this.#noteInput();
    const { code, reason } = this.#closing.received ?? this.#closing.failure ?? ABNORMAL_CLOSURE;
    turn.begin();
    try {
      this.#watch('close', handler.close?.(this, code, reason));
    } catch (error) {
      this.#env.onHandlerError(this, 'close', error);
    } finally {
      turn.end();
      this.#env.onConnectionClosed(this);
    }
  }

  /** Reads no more, until closing begins. What was read and is not handled yet still is. */
  stopReading(): void {
    if (!this.#isOpen) return;
    this.#isStopped = true;
    this.#transport.pause();
  }

  /** Whether nothing that was read waits to be handled, and nothing that was sent waits for the peer. */
  get isQuiet(): boolean {
    return !this.#input.hasUnhandled && this.#output.bufferedBytes === 0;
  }

  // Limits: see Guard.

  /** Once in each tick of the thread's clock. */
  onTick(): void {
    const { turn } = this.#env;
    turn.begin();
    try {
      const hasHeard = this.#hasHeard;
      const hasMessage = this.#topics.takeSent(this) || this.#hasMessage;
      this.#hasHeard = false;
      this.#hasMessage = false;
      this.#guard.tick(hasHeard, hasMessage);
    } finally {
      turn.end();
    }
  }

  /** Reads on if the peer was throttled, or publications had to wait, for long enough. @returns whether there is no more to be done */
  retry(): boolean {
    if (this.#closing.state === ClosingState.CLOSED) return true;
    if (this.#awaitsRoom() || !this.#guard.isReleased() || this.#guard.givesWay) return false;
    if (this.#input.isHeld && !this.#isOpening) this.#resume();
    return true;
  }

  /** Reads on, and handles what was read, after others have had their slices of time. */
  goOn(): void {
    if (this.#closing.state !== ClosingState.CLOSED && !this.#isOpening) this.#resume();
  }

  get heldBytes(): number {
    return this.#guard.heldBytes;
  }

  get heldSinceMs(): number {
    return this.#guard.heldSinceMs;
  }

  /** Gives back the memory that it holds, at the price of the connection. */
  shed(): void {
    this.#guard.shed();
  }

  #noteInput(): void {
    const { reader } = this.#input;
    if (reader.fragments > 0) {
      this.#messagesLeft -= reader.fragments;
      reader.fragments = 0;
      if (this.#messagesLeft <= 0) this.#askGuard();
    }
    const messages = this.#messagesIn;
    this.#messagesIn = 0;
    const keeps = this.#input.keepsSomething;
    if (keeps || this.#isKeeping) this.#guard.noteInput(messages);
    this.#isKeeping = keeps;
    if (messages === 0) return;
    this.#hasMessage = true;
    const { counters } = this.#env;
    counters.add(Counter.MESSAGES_IN, messages);
    if (this.#messagesOut === 0) return;
    counters.add(Counter.MESSAGES_OUT, this.#messagesOut);
    this.#messagesOut = 0;
  }

  /** Tells the guard what has come since it was asked last, and is granted more, or is not. */
  #askGuard(): void {
    const guard = this.#guard;
    guard.ask(guard.grantedBytes - this.#bytesLeft, guard.grantedMessages - this.#messagesLeft);
    this.#bytesLeft = guard.grantedBytes;
    this.#messagesLeft = guard.grantedMessages;
  }

  #hasRoomFor(bytes: number, messages: number): boolean {
    if (this.#guard.hasRoomFor(bytes, messages, this.#output.bufferedBytes)) return true;
    this.#owesDrain = true;
    return false;
  }

  // Reading.

  get acceptsInput(): boolean {
    if (!this.#isOpen) return true;
    if (this.#isFull && (this.#awaitsRoom() || this.#isAboveHighWaterMark())) return false;
    if (this.#messagesLeft > 0) return true;
    this.#askGuard();
    return this.#messagesLeft > 0 || !(this.#guard.pausesAtRate || this.#guard.givesWay);
  }

  /** What is sent of the window has to be gathered before. */
  beforeWindowChanges(): void {
    this.#out.settle();
  }

  get discardsInput(): boolean {
    return !this.#isOpen && this.#closing.isFinished;
  }

  onEvent(event: FrameEvent): void {
    if (event === FrameEvent.MESSAGE) this.#onMessages();
    else if (event === FrameEvent.CLOSE) this.#onCloseFrame();
    else if (this.#isOpen && this.#countControlFrame() && event === FrameEvent.PING) this.#onPing();
  }

  /** A ping or pong is as much as a message. @returns false if it was one too many */
  #countControlFrame(): boolean {
    if (this.#messagesLeft-- > 0) return true;
    this.#guard.failRate();
    return false;
  }

  onInputError(error: unknown): void {
    if (error instanceof ProtocolError) {
      this.#env.onLimit(this, Incident.PROTOCOL_ERROR, error.message);
      this.fail(error.closeCode, error.message);
    } else {
      // Memory that could not be had, or a mistake of ours: it must not cost the other connections.
      this.#failHook('read', error);
    }
  }

  /** A value that was meant to refuse must not let anybody in: see {@link problemOfOpen}. */
  #judgeOpen(answer: unknown): void {
    if (!this.#isOpen) return;
    try {
      const problem = problemOfOpen(answer);
      if (problem !== undefined) this.#failHook('open', problem);
    } catch (error) {
      this.#failHook('open', error); // by a Proxy or a getter of the application
    }
  }

  #opened(): void {
    this.#isOpening = false;
    // Not at once: a stream that a hook hands over may be opened while that hook looks at the window.
    this.#env.turn.afterwards(() => this.#resume());
  }

  /** Handles what is still unhandled, and then reads on, unless output has piled up again. */
  #resume(): void {
    if (this.#closing.state === ClosingState.CLOSED) return;
    const { turn } = this.#env;
    turn.begin();
    const { publisher } = this.#topics;
    this.#topics.publisher = this;
    try {
      this.#askGuard();
      const isReleased = this.#input.release();
      this.#noteInput();
      if (!isReleased) return;
    } finally {
      this.#endReadTurn(publisher);
    }
    if (this.#peerEnded && !this.#closing.isFinished) this.#onLost();
    if (!this.#isStopped) this.#transport.resume();
  }

  /** @param publisher whose hook goes on. */
  #endReadTurn(publisher: Publisher | undefined): void {
    this.#topics.publisher = publisher;
    try {
      this.#out.endRead();
    } finally {
      this.#env.turn.end();
    }
  }

  /** A message, and those behind it that the same scan has found, until something speaks against more of them. */
  #onMessages(): void {
    if (!this.#isOpen) return;
    const { counters, poison } = this.#env;
    const { reader } = this.#input;
    if (reader.reportedFromHeap) counters.add(Counter.HEAP_MESSAGES, 1);
    if (this.#messagesLeft <= 0) {
      this.#messagesIn++;
      this.#guard.failRate();
      return;
    }
    this.#message ??= new LentMessage(reader);
    const message = this.#message;
    try {
      this.#handOut(reader, message, poison ? this.#messagesLeft - 1 : 0);
    } catch (error) {
      message.isLive = false;
      this.#failHook('message', error);
    } finally {
      this.#out.lane = NO_LANE;
    }
    if (!poison) return;
    this.#message = undefined;
    this.#out.settle();
    reader.overwrite(POISON);
  }

  /**
   * Hands out messages until only `leaving` more may come, or something speaks against them. Hot, and a method of its own so
   * that the handler and what it calls are compiled into this loop.
   */
  #handOut(reader: FrameReader, message: LentMessage, leaving: number): void {
    const { handler } = this.#env;
    do {
      this.#messagesIn++;
      this.#messagesLeft--;
      if (handler.message === undefined) continue;
      message.isLive = true;
      const handled = handler.message(this, message);
      message.isLive = false;
      if (handled !== undefined) this.#watch('message', handled);
    } while (this.#messagesLeft > leaving && this.#isOpen && !this.#isFull && reader.nextScanned());
  }

  #onPing(): void {
    const { bytes, start, length } = this.#input.reader;
    this.#pendingPong ??= new PendingPong();
    const pong = this.#pendingPong.receive(bytes.subarray(start, start + length), !this.#output.isIdle);
    if (pong !== undefined) this.#sendPong(pong);
  }

  #sendPendingPong(): void {
    const pong = this.#pendingPong?.take();
    if (pong !== undefined) this.#sendPong(pong);
  }

  #sendPong(payload: Uint8Array): void {
    if (!this.#isOpen || !this.#beforeOutput()) return;
    this.#output.frame(FIN | Opcode.PONG, payload, 0, payload.length);
    this.#isAboveHighWaterMark();
  }

  // Sending.

  #sendMessage(message: LentMessage): void {
    const { firstByte, bytes, start, length, vacated } = message.reported;
    const isOwn = message === this.#message;
    if (bytes !== this.#env.arena.bytes) {
      this.#output.frame(firstByte, bytes, start, length);
    } else if (length >= DIRECT_WRITE_BYTES) {
      this.#output.frameInPlace(firstByte, start, length, vacated, isOwn ? this.#input.reader : NO_SLAB);
    } else if (vacated > 0) {
      const waits = this.#output.frameLater(firstByte, start, length);
      if (waits && isOwn && this.#gathersBelowMark && this.#output.isIdle) this.#out.lane = message;
    } else {
      this.#output.frame(firstByte, bytes, start, length);
    }
  }

  /**
   * Whatever is sent comes after what was published to this connection before.
   * @returns false if that was too much for it, and its Close is sent.
   */
  #beforeOutput(): boolean {
    if (this.#topics.hasPending) this.#topics.catchUp(this);
    if (Turn.running === undefined) this.#out.flushSoon();
    return this.#isOpen;
  }

  #isBelowHighWaterMark(): boolean {
    if (!this.#isAboveHighWaterMark()) return true;
    this.#owesDrain = true;
    return false;
  }

  #isAboveHighWaterMark(): boolean {
    const { highWaterMarkBytes } = this.#env.limits;
    let isAbove = this.#output.bufferedBytes > highWaterMarkBytes;
    if (isAbove && this.#output.isIdle) {
      this.#output.flush(); // what was only gathered may still be taken by the kernel
      isAbove = this.#output.bufferedBytes > highWaterMarkBytes;
    }
    this.#isFull = isAbove || this.#awaitedTopic !== undefined;
    return isAbove;
  }

  #awaitsRoom(): boolean {
    if (this.#awaitedTopic === undefined) return false;
    if (this.#topics.isCongested(this.#awaitedTopic)) return true;
    this.#awaitedTopic = undefined;
    return false;
  }

  #callDrain(): void {
    const { publisher } = this.#topics; // a stream may be written to by somebody else's hook
    this.#topics.publisher = this;
    try {
      this.#watch('drain', this.#env.handler.drain?.(this));
    } catch (error) {
      this.#failHook('drain', error);
    } finally {
      this.#topics.publisher = publisher;
    }
  }

  // Closing.

  #onCloseFrame(): void {
    const { bytes, start, length } = this.#input.reader;
    const payload = new Uint8Array(bytes.subarray(start, start + length));
    if (this.#isOpen) this.#beforeOutput();
    const { isFinished } = this.#closing; // by what had to be delivered in front of the Close
    const echo = this.#closing.receive(payload);
    if (isFinished) return;
    if (echo !== undefined) this.#sendClose(echo);
    this.#finish();
  }

  /** Section 7.1.7: tells the peer why, if a Close can still be sent, and listens to it no more. */
  fail(code: number, reason: string): void {
    if (this.#isOpen) this.#beforeOutput();
    if (this.#closing.isFinished) return;
    const payload = this.#closing.fail(code, reason);
    if (payload !== undefined) this.#sendClose(payload);
    this.#finish();
  }

  /** The peer has gone without a Close. What it is still to be sent is flushed. */
  #onLost(): void {
    this.#closing.lost();
    this.#finish();
  }

  /** Sends a Close, behind what was published before: see {@link #beforeOutput}. */
  #sendClose(payload: Uint8Array): void {
    this.#output.frame(FIN | Opcode.CLOSE, payload, 0, payload.length);
    this.#output.flush();
  }

  #finish(): void {
    this.#leaveOpen();
    this.#output.flush();
    this.#transport.end();
  }

  /** Once a Close was sent or received, there are no publications and no pauses. */
  #leaveOpen(): void {
    this.#topics.forget(this);
    this.#pendingPong = undefined;
    // The peer has one deadline for all of the closing.
    if (this.#isOpen) {
      this.#guard.noteClosing();
      this.#env.onConnectionClosing(this);
    }
    this.#isOpen = false;
    const isStopped = this.#isStopped;
    this.#isStopped = false;
    if ((this.#input.isHeld || isStopped) && !this.#isOpening) this.#env.turn.afterwards(() => this.#resume());
  }

  /** A hook has failed: with 1011, for this connection only. */
  #failHook(hook: string, error: unknown): void {
    this.#env.onHandlerError(this, hook, error);
    this.fail(CloseCode.INTERNAL_ERROR, 'internal error');
  }

  #watch(hook: string, result: unknown): void {
    if (!isPromise(result)) return;
    const settled = Promise.resolve(result); // the same, unless it only looks like a promise, and may settle more than once
    this.#env.track(settled);
    settled.then(undefined, (error: unknown) => this.#failHook(hook, error));
  }
}
