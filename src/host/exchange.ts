import type { SendData } from '../connection/connection.js';
import { Counter, type Counters } from '../connection/counters.js';
import { publishTo } from '../connection/publish-to.js';
import { Turn } from '../connection/turn.js';
import { Bus } from '../pubsub/bus.js';
import { Topics } from '../pubsub/topics.js';
import type { SystemCalls } from '../system/system-calls.js';

/** The part of a thread in publishing: its topics, their connection to the other threads, and the turns they go out by. */
export class Exchange {
  readonly turn: Turn;
  readonly topics: Topics;
  readonly bus: Bus;

  constructor() {
    this.turn = new Turn(() => this.topics.flush());
    this.bus = new Bus((runs) => {
      this.turn.begin();
      try {
        this.topics.receive(runs);
      } finally {
        this.turn.end();
      }
    });
    this.topics = new Topics(this.bus, () => this.turn.schedule());
  }

  /**
   * From now on, publications are sent by system calls to those for whom nothing waits. Of all hosts that the thread has, and will
   * have.
   * @param counters get what nobody else counts.
   */
  sendBy(calls: SystemCalls, counters: Counters): void {
    this.topics.sendBy({
      send: (fd, bytes, start, end) => calls.send(fd, bytes, start, end),
      count: (messages) => counters.add(Counter.MESSAGES_OUT, messages),
    });
  }

  /** Sends a message to all subscribers of a topic, in all threads. */
  publish(topic: string, data: SendData): void {
    publishTo(this.topics, topic, undefined, data);
  }
}
