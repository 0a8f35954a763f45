/** The kinds of errors in a result: a few words each, without numbers of connections, so that equal errors are counted together. */

/** Kinds that begin with this are timeouts. */
export const TIMEOUT = 'timeout: ';

/** A message that was sent, and whose answer is not waited for any more. */
export const NO_ANSWER = `${TIMEOUT}no answer`;

export const UNEXPECTED = 'unexpected: more messages than were sent';

/** The load generator has dropped the connection because of another error, which is counted: this one is not. */
export const TERMINATED = 'terminated';

/** TCP has ended without a Close. */
export const NO_CLOSE = 'lost: without a Close';

export const WRONG = 'wrong: a message that was not sent';
