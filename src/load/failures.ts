/** How what goes wrong is called in a result: kinds that are counted, each with a few words, and no numbers of connections. */

/** Kinds that begin so are timeouts. */
export const TIMEOUT = 'timeout: ';

/** A message that was sent, and that nobody waits for any more. */
export const NO_ANSWER = `${TIMEOUT}no answer`;

export const UNEXPECTED = 'unexpected: more messages than were sent';

/** By us, because something else has gone wrong: nobody is told of it. */
export const TERMINATED = 'terminated';

/** TCP has ended, and nobody has said goodbye. */
export const NO_CLOSE = 'lost: without a Close';

export const WRONG = 'wrong: a message that was not sent';
