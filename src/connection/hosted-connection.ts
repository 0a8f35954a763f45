import { ArgumentRangeError } from '../options/argument-error.js';
import { CloseCode, type CloseStatus } from '../protocol/close.js';
import { ABNORMAL_CLOSURE, ClosingHandshake, ClosingState } from '../protocol/closing-handshake.js';
import { FrameEvent } from '../protocol/frame-event.js';
import type { MaskedFrameReader } from '../protocol/masked-frame-reader.js';
import { FIN, MAX_CONTROL_PAYLOAD_BYTES, Opcode } from '../protocol/opcode.js';
import { PendingPong } from '../protocol/pending-pong.js';
import { ProtocolError } from '../protocol/protocol-error.js';
import type { FrameMemory } from '../pubsub/frame-memory.js';
import type { Publisher, Subscriber } from '../pubsub/subscriber.js';
import type { Subscription } from '../pubsub/subscription.js';
import type { Topics } from '../pubsub/topics.js';
import { Counter } from '../telemetry/counters.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { Connection, SendData } from './connection.js';
import type { ConnectionInfo } from './connection-info.js';
import { ConnectionLimiter } from './connection-limiter.js';
import type { ConnectionEnvironment, Throttled } from './environment.js';
import { FrameWriter } from './frame-writer.js';
import { type GatherBuffer, NO_MESSAGE } from './gather-buffer.js';
import type { HookedConnection } from './hooks.js';
import { Input, type InputListener } from './input.js';
import { LentMessage } from './message.js';
import { payloadBytes, payloadOf } from './payload.js';
import { checkTopic, publishTo } from './publish-to.js';
import type { Sliced } from './time-slices.js';
import type { Transport, TransportListener } from './transport.js';
import { Verdict } from './verdict.js';

/** After a read of so many bytes it is asked how much time the connection has had: there may be as much again at once. */
const LONG_READ_BYTES = 64 * 1024;

/** Overwrites messages in poison mode: no text, no frame header, and easily recognised. */
const POISON = 0xdb;

/**
 * A connection in the thread that hosts it: bytes from a transport through the framing loop to the handler, and back.
 */
export class HostedConnection
  implements Connection, HookedConnection, TransportListener, InputListener, Subscriber, Publisher, Throttled, Sliced
{
  readonly id: number;
  readonly remoteAddress: string | undefined;
  readonly path: string;
  readonly query: string;
  readonly subprotocol: string;
  data: unknown;

  /** See {@link Subscriber}. */
  subscription: Subscription | undefined;

  /** See {@link Sliced}. */
  slicedIn = -1;
  slicedAtMs = 0;

  readonly #env: ConnectionEnvironment<HostedConnection>;
  readonly #input: Input;
  readonly #transport: Transport;
  readonly #writer: FrameWriter;
  readonly #gatherBuffer: GatherBuffer;
  readonly #topics: Topics;
  readonly #limiter: ConnectionLimiter;
  // What the limiter would be asked, or told, for each read and message: it is an object of its own, and seldom in the cache.

  /** How many bytes, and messages, fragments, pings and pongs, may come before the limiter has to be asked again. */
  #bytesLeft = 0;
  #messagesLeft = 0;
  /** Whether anything was read, or a message received or sent, since the last tick. */
  #hasHeard = false;
  #hasMessage = false;
  /** Whether the limiter knows of something that the input keeps. */
  #isKeeping = false;
  /** Whether this connection has had its slice of time, and goes on in the next iteration of the event loop. */
  #givesWay = false;
  /** Whether the output was above the high-water mark when something was last added to it, or publications are to wait. */
  #isFull = false;
  /** What this connection has published to when a thread was owed too much, and waits for: see {@link holdBack}. */
  #awaitedTopic: string | undefined;
  /** Messages of this read, and those sent by the {@link GatherBuffer.fastPathMessage}, that are not counted yet. */
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
  constructor(
    env: ConnectionEnvironment<HostedConnection>,
    info: ConnectionInfo,
    connect: (listener: TransportListener) => Transport,
  ) {
    const { arena, gatherBuffer, pinned, limits } = env;
    this.#env = env;
    this.id = info.id;
    this.remoteAddress = info.remoteAddress;
    this.path = info.path;
    this.query = info.query;
    this.subprotocol = info.subprotocol;
    this.data = info.data;
    this.#input = new Input(arena, env.kernel, limits, this);
    this.#transport = connect(this);
    this.#gatherBuffer = gatherBuffer;
    this.#topics = env.topics;
    this.#writer = new FrameWriter(arena, gatherBuffer, pinned, this.#transport, this, limits.highWaterMarkBytes);
    this.#limiter = new ConnectionLimiter(env);
  }

  /** Calls `open`, and begins to read: first `head`, which was read by somebody else. */
  start(head: Uint8Array): void {
    const { hooks, counters, turn } = this.#env;
    counters.add(Counter.BYTES_IN, head.length);
    turn.begin();
    try {
      this.#input.add(head);
      this.#hasHeard = true;
      this.#bytesLeft -= head.length;
      this.#noteInput();
      hooks.open(this, () => this.#opened());
    } finally {
      turn.end();
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get bufferedAmount(): number {
    return this.#writer.bufferedBytes;
  }

  send(data: SendData): boolean {
    // Hot: what the first of many has asked is not asked again: 32 of 20 bytes take 860 ns so, and took 1550 before.
    if (
      data === this.#gatherBuffer.fastPathMessage &&
      data === this.#message &&
      this.#message.isLive &&
      !this.#topics.hasPending
    ) {
      const { firstByte, start, length } = this.#message.source;
      if (this.#gatherBuffer.later(firstByte, start, length)) {
        this.#messagesOut++;
        return true;
      }
    }
    return this.#sendAny(data);
  }

  #sendAny(data: SendData): boolean {
    if (!this.#isOpen || !this.#beforeOutput()) return false;
    if (!this.#writer.isIdle && !this.#hasRoomFor(payloadBytes(data), 1)) return false;
    this.#writer.data(data, this.#message);
    this.#env.counters.add(Counter.MESSAGES_OUT, 1);
    this.#hasMessage = true;
    return this.#isBelowHighWaterMark();
  }

  ping(payload: string | Uint8Array = ''): boolean {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payloadOf(payload);
    if (bytes.length > MAX_CONTROL_PAYLOAD_BYTES) {
      throw new ArgumentRangeError(
        'WSLOOM_PING',
        `the payload of a ping must be at most ${MAX_CONTROL_PAYLOAD_BYTES} bytes, got ${bytes.length}`,
      );
    }
    if (!this.#isOpen || !this.#beforeOutput()) return false;
    if (!this.#writer.isIdle && !this.#hasRoomFor(bytes.length, 0)) return false;
    this.#writer.frame(FIN | Opcode.PING, bytes, 0, bytes.length);
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
    if (this.#writer.isIdle) this.#writer.flush();
    this.#writer.drop();
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
    if (!this.#isOpen || this.#env.limits.slowConsumer === 'drop') return; // who has not posted it has counted it
    this.#carryOut(Verdict.MISSED);
  }

  deliver(memory: FrameMemory, start: number, end: number, messages: number): void {
    if (!this.#writer.isIdle && !this.#hasRoomFor(end - start, messages)) return;
    this.#writer.frames(memory, start, end);
    this.#env.counters.add(Counter.MESSAGES_OUT, messages);
    this.#hasMessage = true;
    this.#isAboveHighWaterMark();
  }

  get clearDescriptor(): number {
    return this.#writer.isClear ? this.#transport.descriptor : -1;
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
    const { turn, counters, hooks } = this.#env;
    turn.begin();
    const previous = hooks.enter(this);
    try {
      counters.add(Counter.BYTES_IN, end - start);
      this.#hasHeard = true;
      this.#bytesLeft -= end - start;
      if (this.#bytesLeft <= 0) this.#askLimiter();
      const goesOn = this.#input.read(start, end);
      this.#noteInput();
      if (end - start >= LONG_READ_BYTES) this.#askTime();
      return goesOn && !this.#isStopped && !this.#givesWay;
    } finally {
      this.#endReadTurn(previous);
    }
  }

  readTarget(): readonly [offset: number, length: number] | undefined {
    return this.#input.target();
  }

  onWritten(): void {
    const { turn, limits, hooks } = this.#env;
    turn.begin();
    try {
      if (this.#writer.isIdle) this.#sendPendingPong();
      // What is only gathered may be taken at once, and then nobody would call here again.
      if (this.#writer.isIdle) this.#writer.flush();
      if (this.#writer.bufferedBytes * 2 > limits.highWaterMarkBytes) return;
      if (this.#owesDrain) {
        this.#owesDrain = false;
        if (this.#isOpen) hooks.drain(this);
      }
      if (this.#input.isPaused && !this.#isOpening && !this.#givesWay) this.#resume();
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
    const { turn, topics, hooks } = this.#env;
    if (this.#isOpen) this.#env.onConnectionClosing(this);
    this.#isOpen = false;
    this.#closing.closed();
    topics.forget(this);
    this.#writer.drop();
    this.#input.close();
    this.#noteInput();
    const { code, reason } = this.#closing.received ?? this.#closing.failure ?? ABNORMAL_CLOSURE;
    turn.begin();
    try {
      hooks.close(this, code, reason);
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
    return !this.#input.hasUnhandled && this.#writer.bufferedBytes === 0;
  }

  // Limits: see ConnectionLimiter.

  /** Once in each tick of the thread's clock. */
  onTick(): void {
    const { turn } = this.#env;
    turn.begin();
    try {
      const hasHeard = this.#hasHeard;
      const hasMessage = this.#topics.takeSent(this) || this.#hasMessage;
      this.#hasHeard = false;
      this.#hasMessage = false;
      const verdict = this.#limiter.tick(hasHeard, hasMessage, this.#input.isPaused, this.#transport);
      if (verdict !== undefined) this.#carryOut(verdict);
    } finally {
      turn.end();
    }
  }

  retry(): boolean {
    if (this.#closing.state === ClosingState.CLOSED) return true;
    if (this.#awaitsRoom() || !this.#limiter.isReleased() || this.#givesWay) return false;
    if (this.#input.isPaused && !this.#isOpening) this.#resume();
    return true;
  }

  goOn(): void {
    this.#givesWay = false;
    if (this.#closing.state !== ClosingState.CLOSED && !this.#isOpening) this.#resume();
  }

  /** What the connection holds of the thread's budget, in bytes. */
  get heldBytes(): number {
    return this.#transport.queuedBytes + this.#limiter.keptBytes;
  }

  /**
   * Since when it has held it, by the thread's clock. A connection that has sent more than can be handled counts as older than all
   * others. One that gives way with nothing unhandled has merely been unlucky: its thread may have had to wait for a core.
   */
  get heldSinceMs(): number {
    if (this.#givesWay && this.#input.hasUnhandled) return Number.NEGATIVE_INFINITY;
    return this.#limiter.heldSinceMs(this.#transport.queuedBytes);
  }

  /** Gives back the memory that it holds, at the price of the connection. */
  shed(): void {
    this.#carryOut(this.#transport.queuedBytes > 0 ? Verdict.SHED_WITH_OUTPUT : Verdict.SHED);
  }

  #carryOut(verdict: Verdict): void {
    const { action, incident, status, isWithoutPublications, isWithoutInput } = verdict;
    if (incident !== undefined) this.#env.onLimit(this, incident);
    if (isWithoutPublications) this.#topics.forget(this);
    const { code, reason } = status ?? ABNORMAL_CLOSURE;
    if (action === 'ping') this.ping();
    else if (action === 'close') this.close(code, reason);
    else if (action === 'fail') this.fail(code, reason);
    else if (action === 'cut') this.cut(status);
    else if (action === 'throttle') this.#env.throttled.add(this);
    if (!isWithoutInput) return;
    this.#input.discard();
    this.#noteKept(0);
  }

  #noteInput(): void {
    const { reader } = this.#input;
    if (reader.fragments > 0) {
      this.#messagesLeft -= reader.fragments;
      reader.fragments = 0;
      if (this.#messagesLeft <= 0) this.#askLimiter();
    }
    const messages = this.#messagesIn;
    this.#messagesIn = 0;
    const keeps = this.#input.keepsSomething;
    if (keeps || this.#isKeeping) this.#noteKept(messages);
    this.#isKeeping = keeps;
    if (messages === 0) return;
    this.#hasMessage = true;
    const { counters } = this.#env;
    counters.add(Counter.MESSAGES_IN, messages);
    if (this.#messagesOut === 0) return;
    counters.add(Counter.MESSAGES_OUT, this.#messagesOut);
    this.#messagesOut = 0;
  }

  #noteKept(messages: number): void {
    this.#limiter.noteInput(messages, this.#input.reader.isMidway, this.#input.keptBytes);
  }

  /** Tells the limiter what has come since it was asked last, and is granted more, or is not. */
  #askLimiter(): void {
    const limiter = this.#limiter;
    this.#askTime();
    const mostMessages = this.#givesWay ? 0 : this.#env.slices.messages;
    const bytes = limiter.grantedBytes - this.#bytesLeft;
    const verdict = limiter.ask(bytes, limiter.grantedMessages - this.#messagesLeft, mostMessages);
    if (verdict !== undefined && this.#isOpen) this.#carryOut(verdict);
    this.#bytesLeft = limiter.grantedBytes;
    this.#messagesLeft = limiter.grantedMessages;
  }

  /** Gives way to others if this connection has had its slice of time. */
  #askTime(): void {
    const { slices } = this.#env;
    if (this.#givesWay || !slices.isUsedUp(this)) return;
    this.#givesWay = true;
    slices.giveWay(this);
  }

  /** Judges a message before it is queued behind others. */
  #hasRoomFor(bytes: number, messages: number): boolean {
    const { budget, counters } = this.#env;
    if (budget.isOverrun) {
      this.shed();
    } else {
      const verdict = this.#limiter.judgeOutput(bytes, this.#writer.bufferedBytes);
      if (verdict === undefined) return true;
      if (verdict === Verdict.DROPPED) counters.add(Counter.DROPPED, messages - 1); // one more is counted with the incident
      this.#carryOut(verdict);
    }
    this.#owesDrain = true;
    return false;
  }

  // Reading.

  get acceptsInput(): boolean {
    if (!this.#isOpen) return true;
    if (this.#isFull && (this.#awaitsRoom() || this.#isAboveHighWaterMark())) return false;
    if (this.#messagesLeft > 0) return true;
    this.#askLimiter();
    return this.#messagesLeft > 0 || !(this.#limiter.pausesAtRate || this.#givesWay);
  }

  /** What is sent of the window has to be gathered before. */
  beforeWindowChanges(): void {
    this.#gatherBuffer.gatherRows();
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
    this.#carryOut(Verdict.TOO_FAST);
    return false;
  }

  onInputError(error: unknown): void {
    if (error instanceof ProtocolError) {
      this.#env.onLimit(this, LimitIncident.PROTOCOL_ERRORS, error.message);
      this.fail(error.closeCode, error.message);
    } else {
      // Memory that could not be had, or a mistake of ours: it must not cost the other connections.
      this.#env.hooks.fail(this, 'read', error);
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
    const { turn, hooks } = this.#env;
    turn.begin();
    const previous = hooks.enter(this);
    try {
      this.#askLimiter();
      const isReleased = this.#input.release();
      this.#noteInput();
      if (!isReleased) return;
    } finally {
      this.#endReadTurn(previous);
    }
    if (this.#peerEnded && !this.#closing.isFinished) this.#onLost();
    if (!this.#isStopped) this.#transport.resume();
  }

  /** @param previous whose hook goes on. */
  #endReadTurn(previous: Publisher | undefined): void {
    this.#env.hooks.leave(previous);
    this.#env.turn.endRead();
  }

  /** A message, and those behind it that the same scan has found, until something speaks against more of them. */
  #onMessages(): void {
    if (!this.#isOpen) return;
    const { counters, poison, hooks } = this.#env;
    const { reader } = this.#input;
    if (reader.reportedFromHeap) counters.add(Counter.HEAP_MESSAGES, 1);
    if (this.#messagesLeft <= 0) {
      this.#messagesIn++;
      this.#carryOut(Verdict.TOO_FAST);
      return;
    }
    this.#message ??= new LentMessage(reader);
    const message = this.#message;
    try {
      this.#handOut(reader, message, poison ? this.#messagesLeft - 1 : 0);
    } catch (error) {
      message.isLive = false;
      hooks.fail(this, 'message', error);
    } finally {
      this.#gatherBuffer.fastPathMessage = NO_MESSAGE;
    }
    if (!poison) return;
    this.#message = undefined;
    this.#gatherBuffer.gatherRows();
    reader.overwrite(POISON);
  }

  /**
   * Hands out messages until only `leaving` more may come, or something speaks against them. Hot, and a method of its own so
   * that the handler and what it calls are compiled into this loop.
   */
  #handOut(reader: MaskedFrameReader, message: LentMessage, leaving: number): void {
    const { hooks } = this.#env;
    const { handler } = hooks;
    do {
      this.#messagesIn++;
      this.#messagesLeft--;
      if (handler.message === undefined) continue;
      message.isLive = true;
      const handled = handler.message(this, message);
      message.isLive = false;
      if (handled !== undefined) hooks.watch(this, 'message', handled);
    } while (this.#messagesLeft > leaving && this.#isOpen && !this.#isFull && reader.nextScanned());
  }

  #onPing(): void {
    const { bytes, start, length } = this.#input.reader;
    this.#pendingPong ??= new PendingPong();
    const pong = this.#pendingPong.receive(bytes.subarray(start, start + length), !this.#writer.isIdle);
    if (pong !== undefined) this.#sendPong(pong);
  }

  #sendPendingPong(): void {
    const pong = this.#pendingPong?.take();
    if (pong !== undefined) this.#sendPong(pong);
  }

  #sendPong(payload: Uint8Array): void {
    if (!this.#isOpen || !this.#beforeOutput()) return;
    this.#writer.frame(FIN | Opcode.PONG, payload, 0, payload.length);
    this.#isAboveHighWaterMark();
  }

  // Sending.

  /**
   * Whatever is sent comes after what was published to this connection before.
   * @returns false if that was too much for it, and its Close is sent.
   */
  #beforeOutput(): boolean {
    if (this.#topics.hasPending) this.#topics.catchUp(this);
    this.#env.turn.beforeOutput();
    return this.#isOpen;
  }

  #isBelowHighWaterMark(): boolean {
    if (!this.#isAboveHighWaterMark()) return true;
    this.#owesDrain = true;
    return false;
  }

  #isAboveHighWaterMark(): boolean {
    const isAbove = this.#writer.isAboveMark();
    this.#isFull = isAbove || this.#awaitedTopic !== undefined;
    return isAbove;
  }

  #awaitsRoom(): boolean {
    if (this.#awaitedTopic === undefined) return false;
    if (this.#topics.isCongested(this.#awaitedTopic)) return true;
    this.#awaitedTopic = undefined;
    return false;
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
    this.#writer.frame(FIN | Opcode.CLOSE, payload, 0, payload.length);
    this.#writer.flush();
  }

  #finish(): void {
    this.#leaveOpen();
    this.#writer.flush();
    this.#transport.end();
  }

  /** Once a Close was sent or received, there are no publications and no pauses. */
  #leaveOpen(): void {
    this.#topics.forget(this);
    this.#pendingPong = undefined;
    // The peer has one deadline for all of the closing.
    if (this.#isOpen) {
      this.#limiter.noteClosing();
      this.#env.onConnectionClosing(this);
    }
    this.#isOpen = false;
    const isStopped = this.#isStopped;
    this.#isStopped = false;
    if ((this.#input.isPaused || isStopped) && !this.#isOpening) this.#env.turn.afterwards(() => this.#resume());
  }
}
