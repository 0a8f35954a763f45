import { ArenaError } from '../memory/arena.js';
import { ArgumentRangeError } from '../options/argument-error.js';
import { CloseCode, type CloseStatus } from '../protocol/close.js';
import { ABNORMAL_CLOSURE, ClosingHandshake, ClosingState } from '../protocol/closing-handshake.js';
import { agreementOf, type DeflateAgreement } from '../protocol/deflate/agreement.js';
import { FrameEvent } from '../protocol/frame-event.js';
import type { MaskedFrameReader } from '../protocol/masked-frame-reader.js';
import { FIN, MAX_CONTROL_PAYLOAD_BYTES, Opcode } from '../protocol/opcode.js';
import { PendingPong } from '../protocol/pending-pong.js';
import { ProtocolError } from '../protocol/protocol-error.js';
import { Dialect, dialectFor } from '../pubsub/dialect.js';
import type { FrameMemory } from '../pubsub/frame-memory.js';
import type { Publisher, Subscriber } from '../pubsub/subscriber.js';
import type { Subscription } from '../pubsub/subscription.js';
import type { Topics } from '../pubsub/topics.js';
import { Counter, Distribution } from '../telemetry/counters.js';
import { LimitIncident } from '../telemetry/limit-incident.js';
import type { ClientTls } from './client-tls.js';
import type { Connection, SendData, SendOptions } from './connection.js';
import { areMessagesTold, tellClosed, tellMessages, tellOpened } from './connection-channels.js';
import type { ConnectionInfo } from './connection-info.js';
import { ConnectionLimiter } from './connection-limiter.js';
import { DeflatingFrameWriter } from './deflating-frame-writer.js';
import type { ConnectionEnvironment, Throttled } from './environment.js';
import { FrameWriter } from './frame-writer.js';
import { type GatherBuffer, NO_MESSAGE } from './gather-buffer.js';
import type { HookedConnection } from './hooks.js';
import { Input, type InputListener } from './input.js';
import { mayCompress } from './may-compress.js';
import { LentMessage } from './message.js';
import type { MessageOutput } from './message-output.js';
import { payloadBytes, payloadOf } from './payload.js';
import { checkTopic, publishTo } from './publish-to.js';
import type { Sliced } from './time-slices.js';
import type { Transport, TransportListener } from './transport.js';
import { describeViolation, Verdict } from './verdict.js';

/** After a read of so many bytes the connection's slice of time is looked at: as much again may follow at once. */
const LONG_READ_BYTES = 64 * 1024;

/**
 * A connection that inflates gives way if it was handled for so long, in ms. With a step before the clock is looked at first, and a step
 * after which it is looked at last, it inflates for 2 ms at a stretch.
 */
const MAX_INFLATING_MS = 1;

const { RECEIVED_TEXT_BYTES, RECEIVED_BINARY_BYTES, SENT_TEXT_BYTES, SENT_BINARY_BYTES, HOOK_SECONDS } = Distribution;

/** The first byte of the frame of a text: that of an unfragmented one, without the bits of extensions. */
const TEXT = FIN | Opcode.TEXT;

/** Overwrites messages in poison mode: no text, no frame header, and easily recognised. */
const POISON = 0xdb;

/**
 * A connection in the thread that hosts it. Bytes go from the transport through the framing loop to the handler, and back. The parts do
 * the work (`Input`, `FrameWriter`, `ConnectionLimiter`, `Hooks`, `ClosingHandshake`); this class says in which order.
 */
export class HostedConnection
  implements Connection, HookedConnection, TransportListener, InputListener, Subscriber, Publisher, Throttled, Sliced
{
  readonly id: number;
  readonly remoteAddress: string | undefined;
  readonly tls: ClientTls | undefined;
  /** What was agreed on about compression; undefined if messages are not compressed. */
  readonly deflate: DeflateAgreement | undefined;
  readonly path: string;
  readonly query: string;
  readonly subprotocol: string;
  data: unknown;

  /** See {@link Subscriber}. */
  readonly dialect: Dialect;
  subscription: Subscription | undefined;

  /** See {@link Sliced}. */
  slicedIn = -1;
  slicedAtMs = 0;
  givesWay = false;

  readonly #env: ConnectionEnvironment<HostedConnection>;
  readonly #input: Input;
  readonly #transport: Transport;
  readonly #writer: MessageOutput;
  readonly #gatherBuffer: GatherBuffer;
  readonly #topics: Topics;
  readonly #limiter: ConnectionLimiter;
  /** Whether the output was above the high-water mark when something was last added to it, or {@link holdBack} was called. */
  #isFull = false;
  /** The topic that a hook has published to while a thread was owed too much; no input until that is over. See {@link holdBack}. */
  #awaitedTopic: string | undefined;
  /** Messages received in this read that are not counted yet. */
  #messagesIn = 0;
  /** How often messages that were alike were sent back by {@link GatherBuffer.fastPathMessage}: see {@link #countAlike}. */
  #sentBack = 0;
  /** Bytes that were read since messages were handled last. */
  #unhandledBytes = 0;
  readonly #closing = new ClosingHandshake();
  /** Whether the closing handshake has not begun. It repeats the handshake's state, which hot loops need not look up. */
  #isOpen = true;
  #message: LentMessage | undefined;

  #isOpening = true;
  /** Whether nothing more is read, while input that has arrived is still handled: see {@link stopReading}. */
  #isStopped = false;
  /** Whether the peer's FIN has come, maybe before all input in front of it could be handled. */
  #peerEnded = false;
  /** Whether `send` has returned false, and `drain` is due. */
  #owesDrain = false;
  /** It is made with the first ping. */
  #pendingPong: PendingPong | undefined;

  /** @param connect makes the transport, which is paused and calls this listener. */
  constructor(
    env: ConnectionEnvironment<HostedConnection>,
    info: ConnectionInfo,
    connect: (listener: TransportListener) => Transport,
  ) {
    const { arena, gatherBuffer, pinned, limits, inflation, deflation, counters } = env;
    const deflate = info.deflate === undefined ? undefined : agreementOf(info.deflate);
    this.#env = env;
    this.id = info.id;
    this.remoteAddress = info.remoteAddress;
    this.tls = info.tls;
    this.deflate = deflate;
    this.path = info.path;
    this.query = info.query;
    this.subprotocol = info.subprotocol;
    this.data = info.data;
    const inflated = deflate && inflation && { inflation, peer: deflate.peer };
    this.#input = new Input(arena, env.kernel, limits, this, inflated);

    this.dialect = dialectFor(deflate?.own);
    this.#transport = connect(this);
    this.#gatherBuffer = gatherBuffer;
    this.#topics = env.topics;
    const mark = limits.highWaterMarkBytes;
    const writer = new FrameWriter(arena, gatherBuffer, pinned, this.#transport, this, counters, mark);
    this.#writer =
      deflate === undefined || deflation === undefined
        ? writer
        : new DeflatingFrameWriter(writer, this, env, deflation, deflate.own);
    this.#limiter = new ConnectionLimiter(env);
  }

  /** Calls `open`, and begins to read. @param head what was read of the connection before */
  start(head: Uint8Array): void {
    const { hooks, counters, turn } = this.#env;
    counters.add(Counter.BYTES_IN, head.length);
    turn.begin();
    try {
      tellOpened(this);
      this.#unhandledBytes += head.length;
      this.#input.add(head);
      this.#limiter.hasHeard = true;
      this.#limiter.bytesLeft -= head.length;
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

  send(data: SendData, options?: SendOptions): boolean {
    // Hot. The first of many messages has asked everything, so the others need not: 32 messages of 20 bytes take 860 ns, and took 1550.
    if (
      data === this.#gatherBuffer.fastPathMessage &&
      data === this.#message &&
      this.#message.isLive &&
      !this.#topics.hasPending
    ) {
      const { firstByte, start, length } = this.#message.source;
      if (this.#gatherBuffer.later(firstByte, start, length)) {
        this.#sentBack++;
        return true;
      }
    }
    return this.#sendAny(data, options === undefined || mayCompress(options));
  }

  #sendAny(data: SendData, compresses: boolean): boolean {
    if (!this.#isOpen || !this.#beforeOutput()) return false;
    if (!this.#writer.isIdle && !this.#hasRoomFor(payloadBytes(data), 1)) return false;
    if (this.dialect !== Dialect.PLAIN && this.#topics.takeDeflated(this)) this.#writer.forgetWindow();
    const bytes = this.#writer.data(data, this.#message, compresses);
    const { counters } = this.#env;
    counters.add(Counter.MESSAGES_OUT, 1);
    counters.observeSize(isText(data) ? SENT_TEXT_BYTES : SENT_BINARY_BYTES, bytes);
    this.#limiter.hasMessage = true;
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

  /** Ends the connection without a Close. @param failure the code and reason for the hook `close`; 1006 by default, unless more is known */
  cut(failure?: CloseStatus): void {
    if (this.#closing.state === ClosingState.CLOSED) return;
    this.#topics.forget(this);
    if (this.#isOpen) this.#env.onConnectionClosing(this);
    this.#isOpen = false;
    this.#closing.lost(failure);
    // Frames that only wait for the end of the phase were sent long ago, as the application sees it.
    if (this.#writer.isIdle) this.#writer.flush();
    this.#writer.drop();
    this.#transport.destroy();
  }

  subscribe(topic: string): void {
    checkTopic(topic);
    if (!this.#isOpen) return;
    const { topics } = this.#env;
    // `Topics.subscribe` does this too, but here the connection may end: what is pending may be too much for it.
    topics.catchUp(this);
    if (this.isOpen) topics.subscribe(this, topic);
  }

  unsubscribe(topic: string): void {
    checkTopic(topic);
    // With the last topic, the topics forget it.
    if (this.#topics.takeSent(this)) this.#limiter.hasMessage = true;
    if (this.#topics.takeDeflated(this)) this.#writer.forgetWindow();
    this.#topics.unsubscribe(this, topic);
  }

  publish(topic: string, data: SendData, options?: SendOptions): boolean {
    return publishTo(this.#env.topics, topic, this, data, options);
  }

  holdBack(topic: string): void {
    this.#isFull = true; // ends the loop of `#handOut`, after which `acceptsInput` is asked
    this.#awaitedTopic = topic;
    this.#env.throttled.add(this);
  }

  onMissed(): void {
    if (!this.#isOpen || this.#env.limits.slowConsumer === 'drop') return; // the thread that did not post it has counted it
    this.#carryOut(Verdict.MISSED);
  }

  /** @param areDeflated whether compressed frames are among them. */
  deliver(memory: FrameMemory, start: number, end: number, messages: number, areDeflated: boolean): void {
    if (!this.#writer.isIdle && !this.#hasRoomFor(end - start, messages)) return;
    this.#writer.frames(memory, start, end);
    if (areDeflated) this.#writer.forgetWindow();
    const { counters } = this.#env;
    counters.add(Counter.MESSAGES_OUT, messages);
    counters.add(Counter.DELIVERIES, messages);
    this.#limiter.hasMessage = true;
    this.#isAboveHighWaterMark();
  }

  get clearDescriptor(): number {
    return this.#writer.isClear ? this.#transport.descriptor : -1;
  }

  // Reports of the writer and the transport.

  onOutput(): void {
    this.#topics.block(this);
  }

  onDescriptorLost(): void {
    this.#topics.block(this);
  }

  // Callbacks of the transport: each is a turn of the thread.

  onRead(start: number, end: number): boolean {
    const { turn, counters, hooks, slices } = this.#env;
    const limiter = this.#limiter;
    turn.begin();
    const previous = hooks.enter(this);
    try {
      counters.add(Counter.BYTES_IN, end - start);
      this.#unhandledBytes += end - start;
      limiter.hasHeard = true;
      limiter.bytesLeft -= end - start;
      if (limiter.bytesLeft <= 0) this.#askLimiter();
      const goesOn = this.#input.read(start, end);
      this.#noteInput();
      if (end - start >= LONG_READ_BYTES) slices.check(this);
      return goesOn && !this.#isStopped && !this.givesWay;
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
      // Frames that are only gathered may be taken at once, and then no `onWritten` would follow.
      if (this.#writer.isIdle) this.#writer.flush();
      if (this.#writer.bufferedBytes * 2 > limits.highWaterMarkBytes) return;
      if (this.#owesDrain) {
        this.#owesDrain = false;
        if (this.#isOpen) hooks.drain(this);
      }
      if (this.#input.isPaused && !this.#isOpening && !this.givesWay) this.#resume();
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
    this.#env.counters.addClosed(code);
    turn.begin();
    try {
      tellClosed(this, code, reason);
      hooks.close(this, code, reason);
    } finally {
      turn.end();
      this.#env.onConnectionClosed(this);
    }
  }

  /** Stops reading until closing begins. Input that was read before is still handled. */
  stopReading(): void {
    if (!this.#isOpen) return;
    this.#isStopped = true;
    this.#transport.pause();
  }

  /** Whether no input waits to be handled, and no output waits for the peer. */
  get isQuiet(): boolean {
    return !this.#input.hasUnhandled && this.#writer.bufferedBytes === 0;
  }

  // Limits: see ConnectionLimiter.

  /** Judges the times of the connection. To be called once in each tick of the thread's clock. */
  onTick(): void {
    const { turn } = this.#env;
    turn.begin();
    try {
      if (this.#topics.takeSent(this)) this.#limiter.hasMessage = true;
      const verdict = this.#limiter.tick(this.#input.isPaused, this.#transport);
      if (verdict !== undefined) this.#carryOut(verdict);
    } finally {
      turn.end();
    }
  }

  retry(): boolean {
    if (this.#closing.state === ClosingState.CLOSED) return true;
    if (this.#awaitsRoom() || !this.#limiter.isReleased() || this.givesWay) return false;
    if (this.#input.isPaused && !this.#isOpening) this.#resume();
    return true;
  }

  goOn(): void {
    if (this.#closing.state !== ClosingState.CLOSED && !this.#isOpening) this.#resume();
  }

  /** What the connection holds of the thread's budget, in bytes. */
  get heldBytes(): number {
    return this.#writer.queuedBytes + this.#limiter.keptBytes;
  }

  /**
   * Since when it has held it, by the thread's clock. A connection that has sent more than can be handled counts as older than all
   * others. One that gives way with nothing unhandled was merely unlucky: its thread may have had to wait for a core.
   */
  get heldSinceMs(): number {
    if ((this.givesWay && this.#input.hasUnhandled) || this.#input.awaitsRoom) return Number.NEGATIVE_INFINITY;
    return this.#limiter.heldSinceMs(this.#writer.queuedBytes);
  }

  /** Gives back the memory that the connection holds, by ending it. */
  shed(): void {
    this.#carryOut(this.#writer.queuedBytes > 0 ? Verdict.SHED_WITH_OUTPUT : Verdict.SHED);
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
    this.#limiter.noteInput(0, this.#input);
  }

  #noteInput(): void {
    const { reader } = this.#input;
    if (reader.fragments > 0) {
      this.#limiter.messagesLeft -= reader.fragments;
      reader.fragments = 0;
      if (this.#limiter.messagesLeft <= 0) this.#askLimiter();
    }
    const messages = this.#messagesIn;
    this.#messagesIn = 0;
    this.#limiter.noteInput(messages, this.#input);
    if (messages === 0) return;
    const { counters } = this.#env;
    counters.add(Counter.MESSAGES_IN, messages);
    if (reader.scanned !== 0) {
      counters.add(Counter.SCANNED_MESSAGES, reader.scanned);
      reader.scanned = 0;
    }
    const bytes = this.#unhandledBytes;
    this.#unhandledBytes = 0;
    if (areMessagesTold()) tellMessages(this, messages, bytes);
  }

  /** Has the limiter judge how fast the peer has sent, and grant what may come next: nothing if the connection has to give way. */
  #askLimiter(): void {
    const { slices } = this.#env;
    slices.check(this);
    const verdict = this.#limiter.ask(this.givesWay ? 0 : slices.messages);
    if (verdict !== undefined && this.#isOpen) this.#carryOut(verdict);
  }

  /** Judges a message before it is queued behind others. */
  #hasRoomFor(bytes: number, messages: number): boolean {
    const { budget, counters } = this.#env;
    if (budget.isOverrun) {
      this.shed();
    } else {
      const verdict = this.#limiter.judgeOutput(this.#writer.owedWith(bytes));
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
    if (this.#limiter.messagesLeft > 0) return true;
    this.#askLimiter();
    return this.#limiter.messagesLeft > 0 || !(this.#limiter.pausesAtRate || this.givesWay);
  }

  get mayGoOn(): boolean {
    return !this.#isOpen || !this.givesWay;
  }

  /** Copies the payloads that are to be sent out of the window. */
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

  /** Counts a ping or pong as a message. @returns false if it was one too many */
  #countControlFrame(): boolean {
    if (this.#limiter.messagesLeft-- > 0) return true;
    this.#carryOut(Verdict.TOO_FAST);
    return false;
  }

  onCompressed(bytes: number): void {
    this.#env.counters.add(Counter.INFLATED_FROM_BYTES, bytes);
  }

  onInflated(bytes: number): void {
    this.#env.counters.add(Counter.INFLATED_BYTES, bytes);
    this.#limiter.bytesLeft -= bytes;
    if (this.#limiter.bytesLeft <= 0) this.#askLimiter();
  }

  onInflatingWork(work: number): void {
    const { slices, inflation } = this.#env;
    if (!inflation?.noteWork(work)) return;
    slices.checkWork(this, MAX_INFLATING_MS);
    if (this.givesWay) this.#askLimiter();
  }

  onRoom(): void {
    this.#env.slices.giveWay(this);
  }

  onInputError(error: unknown): void {
    if (error instanceof ProtocolError) {
      this.#env.onLimit(this, LimitIncident.PROTOCOL_ERRORS, describeViolation(error));
      this.fail(error.closeCode, error.message);
    } else if (error instanceof ArenaError) {
      this.#carryOut(Verdict.NO_ROOM);
    } else {
      // There was no memory, or wsloom has a fault: neither must cost other connections.
      this.#env.hooks.fail(this, 'read', error);
    }
  }

  #opened(): void {
    this.#isOpening = false;
    // Not now: a hook may have handed over this stream, and may still look at the window.
    this.#env.turn.afterwards(() => this.#resume());
  }

  /** Handles input that was kept, and then reads on, unless output has piled up again. */
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

  /** @param previous the connection whose hook goes on, if there is one. */
  #endReadTurn(previous: Publisher | undefined): void {
    this.#env.hooks.leave(previous);
    this.#env.turn.endRead();
  }

  /** Hands out a message, and those behind it that the same scan has found, until more of them are not wanted. */
  #onMessages(): void {
    if (!this.#isOpen) return;
    const { counters, poison, hooks } = this.#env;
    const { reader, reported } = this.#input;
    if (reported.reportedFromHeap) counters.add(Counter.HEAP_MESSAGES, 1);
    if (reported !== reader) counters.add(Counter.INFLATED_MESSAGES, 1);
    // A message that was inflated has been accepted before that. If it was too much for a peer that is slowed down, that is owed.
    const isAccepted = reported !== reader && this.#limiter.pausesAtRate;
    if (this.#limiter.messagesLeft <= 0 && !isAccepted) {
      this.#messagesIn++;
      this.#carryOut(Verdict.TOO_FAST);
      return;
    }
    if (this.#message?.source !== reported) this.#message = new LentMessage(reported);
    const message = this.#message;
    try {
      // Behind a message that was inflated nothing is scanned: scans stop in front of it.
      const leaving = poison ? this.#limiter.messagesLeft - 1 : 0;
      if (hooks.takesTime()) this.#handOutTimed(reader, message, leaving);
      else this.#handOut(reader, message, leaving);
    } catch (error) {
      message.isLive = false;
      hooks.fail(this, 'message', error);
    } finally {
      this.#gatherBuffer.fastPathMessage = NO_MESSAGE;
    }
    if (!poison) return;
    this.#message = undefined;
    this.#gatherBuffer.gatherRows();
    reported.overwrite(POISON);
  }

  /** As {@link #handOut}. A method of its own, because 20 bytes take 2 % longer if clocks are read, or not, in one that is hot. */
  #handOutTimed(reader: MaskedFrameReader, message: LentMessage, leaving: number): void {
    const since = performance.now();
    try {
      this.#handOut(reader, message, leaving);
    } finally {
      this.#env.counters.observe(HOOK_SECONDS, (performance.now() - since) / 1000);
    }
  }

  /**
   * Hands out messages until only `leaving` more may come, or more are not wanted. Hot. It is a method of its own so that the handler, and
   * the methods that the handler calls, are compiled into this loop.
   */
  #handOut(reader: MaskedFrameReader, message: LentMessage, leaving: number): void {
    const { hooks } = this.#env;
    const { handler } = hooks;
    const { source } = message;
    const limiter = this.#limiter;
    // Messages that follow each other are often alike. Their sizes are counted at once: counted one by one, small messages took 5 % longer.
    let { firstByte, length } = source;
    let alike = 0;
    try {
      do {
        if (source.length !== length || source.firstByte !== firstByte) {
          this.#countAlike(firstByte, length, alike);
          ({ firstByte, length } = source);
          alike = 0;
        }
        alike++;
        limiter.messagesLeft--;
        if (handler.message === undefined) continue;
        message.isLive = true;
        const handled = handler.message(this, message);
        message.isLive = false;
        if (handled !== undefined) hooks.watch(this, 'message', handled);
      } while (limiter.messagesLeft > leaving && this.#isOpen && !this.#isFull && reader.nextScanned());
    } finally {
      this.#countAlike(firstByte, length, alike);
    }
  }

  /** Counts messages of one type and length that were handed out, and those of them that were sent back without further questions. */
  #countAlike(firstByte: number, length: number, messages: number): void {
    this.#messagesIn += messages;
    const { counters } = this.#env;
    const isText = firstByte === TEXT;
    counters.observeSize(isText ? RECEIVED_TEXT_BYTES : RECEIVED_BINARY_BYTES, length, messages);
    if (this.#sentBack === 0) return;
    counters.add(Counter.MESSAGES_OUT, this.#sentBack);
    counters.observeSize(isText ? SENT_TEXT_BYTES : SENT_BINARY_BYTES, length, this.#sentBack);
    this.#sentBack = 0;
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
   * Sends what was published to this connection before: what is sent next comes behind it.
   * @returns false if that was too much for the peer, and its Close is sent.
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

  /** Section 7.1.7: sends a Close that says why, if one can still be sent, and discards all further input. */
  fail(code: number, reason: string): void {
    if (this.#isOpen) this.#beforeOutput();
    if (this.#closing.isFinished) return;
    const payload = this.#closing.fail(code, reason);
    if (payload !== undefined) this.#sendClose(payload);
    this.#finish();
  }

  /** Ends the connection when the peer has sent FIN without a Close. Output that waits is still sent. */
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
    this.#writer.end();
  }

  /** Leaves the state OPEN: from now on there are no publications and no pauses. */
  #leaveOpen(): void {
    this.#topics.forget(this);
    this.#pendingPong = undefined;
    // The peer has one deadline for the whole of closing.
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

/** Whether what was just sent is a text. */
function isText(data: SendData): boolean {
  return data instanceof LentMessage ? data.source.firstByte === TEXT : typeof data === 'string';
}
