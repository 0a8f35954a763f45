/** Of the last connection. Of the process and not of a server: its handlers may keep connections of several servers by their ids. */
let lastId = 0;

/** The id of the next connection: unique in all threads, because all ids are given in the primary. */
export function nextConnectionId(): number {
  return ++lastId;
}
