import type { SendData } from '../connection/connection.js';
import { publishersOfThread, threadState } from '../connection/thread-state.js';
import { PublishError } from './publish-error.js';
import type { ThreadPublishing } from './thread-publishing.js';

/** The shape of {@link Publisher}, which all copies of this package in a thread share. A copy with another number is told apart, and named in an error. `version` and `from` never change. */
const VERSION = 1;

/** What publishes in this thread: one in a worker; in the primary that of each server that has started there. */
interface Publisher {
  readonly version: number;
  /** Where the copy of the package lies. */
  readonly from: string;
  readonly publish: ThreadPublishing['publish'];
  /** Resolves when there is room to publish. */
  room(): Promise<void>;
  /** Whether one of its hooks is running: asked of the copy whose hooks they are. */
  isRunning(): boolean;
}

/** In the place of a server that has ended: a timer of its handler module may outlive it, and must not end the process. */
const ENDED = 'ended';

/** Undefined in a bundle of CommonJS. */
const FROM: string = (import.meta.url as string | undefined) ?? 'a bundle';

/**
 * Makes the topics of a server reachable for {@link publish} in this thread, until the returned function is called. To be called
 * before the handler module is loaded, which may publish at once, or by timers.
 */
export function registerPublishing(publishing: ThreadPublishing): () => void {
  const all = publishersOfThread<Publisher>();
  all.set(publishing, {
    version: VERSION,
    from: FROM,
    publish: (topic, data) => publishing.publish(topic, data),
    room: () => publishing.bus.room(),
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
 * For handler modules: sends a message to every connection that is subscribed to a topic, in all threads of the server.
 * Goes out at the end of the thread's turn, with everything else that is published in it. Can be called in hooks, in timers and
 * while the module loads; in the primary, which loads the module too, it is `server.publish`. The handler may import another copy
 * of this package than the server. Once the server is closed it does nothing.
 *
 * @returns false if a thread with subscribers of the topic has too much to take already. Await {@link roomToPublish} before the next. The
 * message is sent all the same, with three exceptions, in each of which it is dropped for that thread only, and counted: no
 * connection can be held back for it (timers, code after an `await`), and the thread is owed more than `maxOwedBytes`; the thread is owed
 * more than twice as much; or it is waited for no more (`slowThreadTimeoutMs`), and then this returns true.
 * @throws ArgumentTypeError for data that cannot be sent, or a topic that is no string. @throws MessageVoidError for a message outside its callback.
 * @throws PublishError in a thread where no server has started, or several have and none of their hooks is running: use
 * `connection.publish` or `server.publish` then. Also if the server is of another copy of this package whose version does
 * not fit.
 */
export function publish(topic: string, data: SendData): boolean {
  return currentPublisher('publish').publish(topic, data);
}

/**
 * For handler modules: resolves when no thread of the server has too much to take of what this thread publishes; at once where none
 * has. Await it before each `publish` in a timer, or after an `await`: there is no connection there that could be held back.
 * Rejects with a PublishError where {@link publish} throws one.
 */
export async function roomToPublish(): Promise<void> {
  await currentPublisher('roomToPublish').room();
}

/** @param caller is asking, for errors. */
function currentPublisher(caller: 'publish' | 'roomToPublish'): Publisher {
  const known = publishersOfThread<Publisher>();
  // Hot, as each message of a hook may publish: in most threads there is one publisher, and 120 ns become 30.
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
