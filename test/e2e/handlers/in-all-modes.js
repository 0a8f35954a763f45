// Uses everything that a hook can: it is run in every way that a connection can come to its handler.
import { publish } from '../../../dist/index.js';

export async function upgrade({ path, query, host, subprotocols, headers, remoteAddress }) {
  if (path === '/refused') return { status: 403, headers: { 'X-Why': 'no' }, body: 'refused\n' };
  if (path === '/function') return { data: () => 'cannot be cloned' };
  if (path === '/throws') throw new Error('on purpose');
  if (query === 'later') await new Promise((resolve) => setTimeout(resolve, 5));
  const data = {
    path,
    query,
    host: host.replace(/:\d+$/, ''),
    subprotocols,
    own: headers.get('x-own'),
    remoteAddress,
    when: new Date(0),
  };
  return { subprotocol: subprotocols[1], headers: { 'X-Answer': 'yes' }, data };
}

export default {
  open(connection) {
    connection.subscribe('all');
    connection.send(
      JSON.stringify([
        connection.data,
        connection.path,
        connection.query,
        connection.subprotocol,
        connection.remoteAddress,
      ]),
    );
  },
  message(connection, message) {
    if (message.isBinary) return connection.send(message);
    const text = message.text();
    if (text === 'throw') throw new Error('on purpose');
    if (text === 'close') return connection.close(4001, 'as asked');
    publish('all', `said: ${text}`);
  },
};
