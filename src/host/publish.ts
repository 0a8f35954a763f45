import type { SendData, SendOptions } from '../connection/connection.js';
import { publishersOfThread, threadState } from '../connection/thread-state.js';
import { PublishError } from './publish-error.js';
import type { ThreadPublishing } from './thread-publishing.js';

/**
 * The version of the interface {@link Publisher}, by which all copies of this package in a thread find each other. A copy with
 * another version is named in an error. The properties `version` and `from` stay the same in all versions.
 */
const VERSION = 1;

/** An entry for a server in this thread. A worker has one; the primary has one for each server that has started there. */
interface Publisher {
  readonly version: number;
  /** The URL of the copy of the package that the server uses. */
  readonly from: string;
  readonly publish: ThreadPublishing['publish'];
  /** Resolves when there is room to publish. */
  room(): Promise<void>;
  /** Whether a hook of this server is running now. Only the server's own copy of the package knows. */
  isRunning(): boolean;
}

/**
 * The key of the entry for servers that have ended. A timer of a handler module may outlive its server, and its `publish` must
 * not throw.
 */
const ENDED = 'ended';

/** The URL of this copy of the package, which is not known in a bundle of CommonJS. */
const FROM: string = (import.meta.url as string | undefined) ?? 'a bundle';

/**
 * Lets {@link publish} reach the topics of a server in this thread, until the returned function is called. Call this before the
 * handler module is loaded, because the module may publish at once or by timers.
 */
export function registerPublishing(publishing: ThreadPublishing): () => void {
  const all = publishersOfThread<Publisher>();
  all.set(publishing, {
    version: VERSION,
    from: FROM,
    publish: (topic, data, options) => publishing.publish(topic, data, options),
    room: () => publishing.room(),
    isRunning: () => publishing.turn === threadState.runningTurn,
  });
  return () => {
    if (!all.delete(publishing)) return;
    all.set(ENDED, {
      version: VERSION,
      from: FROM,
      publish: () => true,
      room: () => Promise.resolve(),
      isRunning: () => false,
    });
  };
}

/**
 * Sends a message to every connection that is subscribed to a topic, in all threads of the server. For handler modules: call it
 * in hooks, in timers or while the module loads, in workers or in the primary. In a hook the message leaves at the end of the
 * turn, with everything else that is published in it; outside of hooks it leaves in the next microtask. The handler may import
 * another copy of this package than the server. After the server is closed this does nothing.
 *
 * @param options `{ compress: false }` sends it uncompressed to all. Without that it is compressed at most once for all subscribers that
 * have agreed on compression with the same window. One that takes more than 2 ms to compress leaves some iterations of the event loop later, and
 * what this thread publishes meanwhile behind it.
 * @returns false if a thread with subscribers of the topic has too much to take already: await {@link roomToPublish} before the
 * next call. The message is sent all the same, with three exceptions. First, in a timer or after an `await` no connection can be
 * held back: the message is dropped for a thread that is owed more than `maxOwedBytes`. Second, it is dropped for a thread that
 * is owed more than twice as much. Third, it is dropped for a thread that has taken nothing for `slowThreadTimeoutMs`, and then
 * this returns true. `stats().limits.droppedPublications` counts all of these.
 * @throws ArgumentTypeError if `data` cannot be sent, the topic is no string, or the options cannot be used.
 * @throws MessageVoidError if `data` is a message whose callback is over.
 * @throws PublishError in a thread where no server has started, or where several have and none of their hooks is running: call
 * `connection.publish` or `server.publish` there. Also if the server uses a copy of this package whose version does not fit.
 */
export function publish(topic: string, data: SendData, options?: SendOptions): boolean {
  return currentPublisher('publish').publish(topic, data, options);
}

/**
 * Resolves when every thread of the server has room for what this thread publishes; at once if each has it already. For handler
 * modules: await it before each {@link publish} in a timer or after an `await`, where no connection can be held back. Rejects
 * with a {@link PublishError} where {@link publish} throws one.
 */
export async function roomToPublish(): Promise<void> {
  await currentPublisher('roomToPublish').room();
}

/** @param caller the name of the function that was called, for errors. */
function currentPublisher(caller: 'publish' | 'roomToPublish'): Publisher {
  const known = publishersOfThread<Publisher>();
  // Hot: each message may publish. Most threads have one publisher, and then this takes 30 ns instead of 120.
  if (known.size === 1) {
    const only = known.values().next().value as Publisher; // there is one
    if (only.version === VERSION) return only;
  }
  const all = [...known].filter(([key]) => key !== ENDED).map(([, publisher]) => publisher);
  const found = all.length === 1 ? all[0] : all.find((one) => one.version === VERSION && one.isRunning());
  if (found?.version === VERSION) return found;
  const foreign = all.find(({ version }) => version !== VERSION);
  if (foreign !== undefined) {
    throw new PublishError(
      `${caller}() is that of ${FROM}, and the server is of another copy of wsloom, ${foreign.from}, whose version does not fit: use one version for both`,
    );
  }
  if (all.length > 0) {
    throw new PublishError(
      `${caller}() cannot know which of the servers in this thread is meant: use server.${caller}()`,
    );
  }
  const ended = known.get(ENDED);
  if (ended?.version === VERSION) return ended;
  throw new PublishError(
    `${caller}() finds no server in this thread: it works in handler modules, and where a server has been started`,
  );
}
