/** Is told which topics have subscribers in a thread. */
export interface TopicWatcher {
  /** The thread has its first subscriber of a topic. */
  join(topic: string): void;
  /** The thread has no subscriber of a topic any more. */
  leave(topic: string): void;
}
