/**
 * The id of the last connection. All servers of the process share it, because a handler may keep connections of several servers
 * by their ids.
 */
let lastId = 0;

/** The id of the next connection: unique in all threads, because all ids are given in the primary. */
export function nextConnectionId(): number {
  return ++lastId;
}
