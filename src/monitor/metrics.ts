import { CLOSE_LABELS } from '../telemetry/close-codes.js';
import { Counter, Distribution } from '../telemetry/counters.js';
import {
  counter,
  distribution,
  distributionEachThread,
  eachThread,
  eachThreadBy,
  gauge,
  histogram,
  inSum,
  inSumBy,
  known,
  knownBy,
  type Metric,
  sizes,
} from './metric.js';
import { HEALTH_STATES } from './health.js';
import { PACKAGE_VERSION } from './package-version.js';

/** Sizes of messages are shown by powers of two between these, in bytes. */
const SMALLEST_BOUND = 2 ** 4;
const LARGEST_BOUND = 2 ** 24;

const INFO_LABELS = { version: PACKAGE_VERSION, node: process.version };

/**
 * Every metric of a server, one row each. From the rows derive what Prometheus is told, and the table of docs/observe.md. A label
 * `thread` is `primary` or `worker 1` and so on; a worker that takes the place of another has its name. A metric without that label is the
 * sum of all threads.
 */
export const METRICS: readonly Metric[] = [
  // Of the server.
  gauge('wsloom_info', 'Always 1. The labels say what runs.', {
    labels: ['version', 'node', 'kernel'],
    figures: [],
    read: ({ sources }) => [{ labels: { ...INFO_LABELS, kernel: sources.kernel }, value: 1 }],
  }),
  gauge(
    'wsloom_status',
    '1 for what `/healthz` says the server is, and 0 for the others.',
    knownBy('status', ({ sources }) =>
      HEALTH_STATES.map((status) => [status, sources.health.status === status ? 1 : 0] as const),
    ),
  ),
  gauge(
    'wsloom_uptime_seconds',
    'Time since the server was created.',
    known(({ sources }) => sources.stats.uptimeMs / 1000),
  ),
  gauge(
    'wsloom_workers',
    'Worker threads, by whether they take new connections. One that is blocked takes none.',
    knownBy('takes', ({ sources }) => {
      const { threads } = sources.stats;
      const taking = threads.filter(({ isTaking }) => isTaking).length;
      return [['yes', taking] as const, ['no', threads.length - taking] as const];
    }),
  ),
  counter('wsloom_workers_lost_total', 'Workers that died without being asked to end.', inSum('WORKERS_LOST')),
  counter('wsloom_reloads_total', 'How often the handler module was loaded again.', inSum('RELOADS')),

  // Connections.
  gauge('wsloom_connections', 'WebSocket connections that are open or closing.', eachThread('CONNECTIONS')),
  gauge(
    'wsloom_closing_connections',
    'WebSocket connections that are closing. They are in `wsloom_connections`, and do not count against limits.',
    eachThread('CLOSING'),
  ),
  gauge(
    'wsloom_max_connections',
    'TCP connections that may be open at a time (`maxConnections`).',
    known(({ sources }) => sources.limits.connections),
  ),
  gauge(
    'wsloom_http_connections',
    'TCP connections that are not WebSockets, or not yet.',
    known(({ sources }) => sources.stats.httpConnections, ['HTTP_CONNECTIONS']),
  ),
  gauge(
    'wsloom_pending_upgrades',
    'Opening handshakes that wait for the hook `upgrade`, or for the client to take the 101.',
    known(({ sources }) => sources.stats.pendingUpgrades, ['PENDING_UPGRADES']),
  ),
  counter('wsloom_connections_opened_total', 'WebSocket connections opened.', eachThread('OPENED')),
  counter(
    'wsloom_connections_closed_total',
    'WebSocket connections that are over, by the code that the hook `close` gets; 1006 without a Close. Those that died with a worker are not in it.',
    knownBy('code', ({ total }) => CLOSE_LABELS.map((code, i) => [code, total.closed[i] ?? 0] as const)),
  ),
  counter('wsloom_connections_lost_total', 'Connections that died with a worker.', inSum('CONNECTIONS_LOST')),
  counter(
    'wsloom_connections_abandoned_total',
    'Connections closed because no worker took them.',
    inSum('CONNECTIONS_ABANDONED'),
  ),
  counter(
    'wsloom_connections_unhosted_total',
    'Connections that were lost on their way to a thread, and never opened.',
    inSum('UNHOSTED'),
  ),
  counter(
    'wsloom_connections_unopened_total',
    'Connections that workers were given before the opening handshake, and that ended without becoming WebSockets.',
    inSum('UNOPENED'),
  ),
  counter(
    'wsloom_refused_total',
    'Connections and requests that were refused before they became WebSockets, by the reason. What the hook `upgrade` refuses is not in it.',
    inSumBy('reason', {
      full: 'REFUSED_FULL',
      address: 'REFUSED_ADDRESSES',
      origin: 'REFUSED_ORIGINS',
      host: 'REFUSED_HOSTS',
      proxy: 'REFUSED_PROXIES',
      tls: 'REFUSED_TLS',
      handshake: 'REFUSED_HANDSHAKES',
      unavailable: 'REFUSED_UNAVAILABLE',
      hook_timeout: 'HOOK_TIMEOUTS',
      orphaned_hooks: 'ORPHANED_HOOKS',
    }),
  ),
  counter(
    'wsloom_refused_unanswered_total',
    'Connections that were refused without an answer: too many waited for one, or it would have cost a TLS handshake. They are in `wsloom_refused_total`, too.',
    inSum('REFUSED_UNANSWERED'),
  ),
  histogram(
    'wsloom_handshake_seconds',
    'Time from when the request for a WebSocket has been read until its 101 is sent: the hook `upgrade` is in it.',
    distribution('HANDSHAKE_SECONDS'),
  ),
  histogram(
    'wsloom_hand_off_seconds',
    'Time from when a worker is offered a connection until it takes it. None with `threads: 0`.',
    distribution('HAND_OFF_SECONDS'),
  ),

  // Messages.
  counter(
    'wsloom_messages_total',
    'Messages, by their direction. A publication that is sent counts once for each subscriber.',
    eachThreadBy('direction', { received: 'MESSAGES_IN', sent: 'MESSAGES_OUT' }),
  ),
  counter(
    'wsloom_bytes_total',
    'Bytes of WebSocket connections, by their direction, the headers of frames included. What is queued counts as sent.',
    eachThreadBy('direction', { received: 'BYTES_IN', sent: 'BYTES_OUT' }),
  ),
  histogram(
    'wsloom_message_bytes',
    'Payloads of messages before compression: received, sent by `send`, and published, each publication once.',
    sizes(
      [
        { name: 'RECEIVED_TEXT_BYTES', labels: { direction: 'received', type: 'text' } },
        { name: 'RECEIVED_BINARY_BYTES', labels: { direction: 'received', type: 'binary' } },
        { name: 'SENT_TEXT_BYTES', labels: { direction: 'sent', type: 'text' } },
        { name: 'SENT_BINARY_BYTES', labels: { direction: 'sent', type: 'binary' } },
        { name: 'PUBLISHED_TEXT_BYTES', labels: { direction: 'published', type: 'text' } },
        { name: 'PUBLISHED_BINARY_BYTES', labels: { direction: 'published', type: 'binary' } },
      ],
      SMALLEST_BOUND,
      LARGEST_BOUND,
    ),
  ),
  counter(
    'wsloom_scanned_messages_total',
    'Small messages received that were found in one call with all others of their read. The other messages took the framing loop.',
    eachThread('SCANNED_MESSAGES'),
  ),
  counter(
    'wsloom_heap_messages_total',
    'Messages that did not fit into an arena and were put on the heap (`arenaBytes`).',
    eachThread('HEAP_MESSAGES'),
  ),
  counter(
    'wsloom_protocol_errors_total',
    'Connections closed because the client violated the protocol or a limit of messages.',
    eachThread('PROTOCOL_ERRORS'),
  ),
  counter(
    'wsloom_hook_errors_total',
    'Hooks of the handler that threw or rejected. The hook `upgrade` does not count.',
    eachThread('HANDLER_ERRORS'),
  ),
  histogram(
    'wsloom_hook_seconds',
    'Time that the hook `message` took for messages that came in one read, without what it awaited. One of 64 such reads is measured.',
    distribution('HOOK_SECONDS'),
  ),

  // Output and limits.
  gauge(
    'wsloom_backpressured_connections',
    'Connections whose clients take less than they are sent: bytes wait for them.',
    eachThread('BACKPRESSURED'),
  ),
  gauge(
    'wsloom_queued_bytes',
    'Bytes that wait because clients take less than they are sent.',
    eachThread('QUEUED_BYTES'),
  ),
  gauge(
    'wsloom_buffered_bytes',
    'Memory held by connections, in steps of 64 KiB: output that clients have not taken, and messages that are still arriving.',
    eachThread('BUFFERED_BYTES'),
  ),
  gauge(
    'wsloom_max_buffered_bytes',
    'Memory that all connections together may hold (`maxBufferedBytes`).',
    known(({ sources }) => sources.limits.bufferedBytes),
  ),
  counter(
    'wsloom_dropped_messages_total',
    'Messages that were not sent, by the reason: too much was queued for the client, or a thread was owed too much of what was published.',
    inSumBy('reason', { slow_consumer: 'DROPPED', slow_thread: 'DROPPED_PUBLICATIONS' }),
  ),
  counter(
    'wsloom_limits_total',
    'How often a limit was met by a connection that was open, or by a thread. docs/limits.md has the options.',
    inSumBy('limit', {
      heartbeat_timeout: 'HEARTBEAT_TIMEOUTS',
      idle_timeout: 'IDLE_TIMEOUTS',
      message_timeout: 'MESSAGE_TIMEOUTS',
      stall: 'STALLS',
      close_timeout: 'CLOSE_TIMEOUTS',
      slow_consumer: 'SLOW_CONSUMERS',
      slow_thread: 'SLOW_THREADS',
      missed_publications: 'MISSED_PUBLICATIONS',
      shed: 'SHED',
      no_room: 'NO_ROOM',
      rate: 'RATE_LIMITED',
      windows: 'WINDOWS_REFUSED',
    }),
  ),

  // Topics.
  counter(
    'wsloom_publications_total',
    'Messages published in this thread, each once, whatever the number of its subscribers.',
    {
      labels: ['thread'],
      figures: [],
      read: ({ threads }) =>
        threads.map(({ thread, counters }) => {
          const { PUBLISHED_TEXT_BYTES, PUBLISHED_BINARY_BYTES } = Distribution;
          const counts = [...counters.ranges(PUBLISHED_TEXT_BYTES), ...counters.ranges(PUBLISHED_BINARY_BYTES)];
          return { labels: { thread }, value: counts.reduce((sum, count) => sum + count, 0) };
        }),
    },
  ),
  counter(
    'wsloom_deliveries_total',
    'Messages sent that were published: one for each subscriber.',
    eachThread('DELIVERIES'),
  ),
  gauge('wsloom_owed_bytes', 'Memory of publications that a thread was posted and has not taken yet.', {
    labels: ['thread'],
    figures: [],
    read: ({ sources }) => sources.owed.map(({ thread, bytes }) => ({ labels: { thread }, value: bytes })),
  }),

  // Threads.
  gauge('wsloom_arena_used_bytes', 'Bytes of the arena in use, as of the last second.', eachThread('ARENA_BYTES')),
  gauge(
    'wsloom_arena_bytes',
    'Bytes of address space that the arena has reserved (`arenaBytes`).',
    eachThread('ARENA_SIZE_BYTES'),
  ),
  gauge(
    'wsloom_heap_used_bytes',
    'Bytes of the JavaScript heap in use, as of the last second.',
    eachThread('HEAP_USED_BYTES'),
  ),
  gauge(
    'wsloom_heap_limit_bytes',
    'Bytes that the JavaScript heap may have (`resourceLimits`). A worker that needs more dies.',
    eachThread('HEAP_LIMIT_BYTES'),
  ),
  counter(
    'wsloom_event_loop_seconds_total',
    'Time that the event loop was busy, and that it has waited for something to do. The rate of `active` is its utilisation.',
    eachThreadBy('state', { active: 'LOOP_ACTIVE_SECONDS', idle: 'LOOP_IDLE_SECONDS' }),
  ),
  gauge(
    'wsloom_event_loop_delay_seconds',
    'How late the event loop was in the last second, on average.',
    eachThread('LOOP_DELAY_SECONDS'),
  ),
  histogram(
    'wsloom_event_loop_longest_delay_seconds',
    'The longest delay of the event loop in each second.',
    distributionEachThread('LOOP_DELAY_SECONDS'),
  ),
  gauge(
    'wsloom_thread_silent_seconds',
    'Time since the thread has brought its figures up to date, which it does once a second. More than 2 says that it is blocked.',
    {
      labels: ['thread'],
      figures: ['SAMPLED_AT_MS'],
      read: ({ threads, nowMs }) =>
        threads
          .filter(({ isAlive }) => isAlive)
          .map(({ thread, counters }) => ({
            labels: { thread },
            value: Math.max(0, nowMs - counters.get(Counter.SAMPLED_AT_MS)) / 1000,
          })),
    },
  ),

  // Compression.
  gauge('wsloom_compressing_connections', 'Connections that may compress messages.', eachThread('COMPRESSED')),
  counter(
    'wsloom_compressed_messages_total',
    'Messages that were compressed, by their direction. A publication counts once for each window that it was compressed for.',
    inSumBy('direction', { received: 'INFLATED_MESSAGES', sent: 'DEFLATED_MESSAGES' }),
  ),
  counter(
    'wsloom_compressed_bytes_total',
    'Bytes of compressed messages as they travel, without the headers of frames.',
    inSumBy('direction', { received: 'INFLATED_FROM_BYTES', sent: 'DEFLATED_BYTES' }),
  ),
  counter(
    'wsloom_uncompressed_bytes_total',
    'Bytes of compressed messages as applications see them. Divided by `wsloom_compressed_bytes_total` they are the ratio.',
    inSumBy('direction', { received: 'INFLATED_BYTES', sent: 'DEFLATED_FROM_BYTES' }),
  ),
  gauge(
    'wsloom_window_bytes',
    'Bytes reserved for the windows of connections, which keep what was sent and received before.',
    eachThread('WINDOW_BYTES'),
  ),
  gauge(
    'wsloom_max_window_bytes',
    'Bytes that may be reserved for the windows of all connections (`deflate.maxMemoryBytes`); 0 without compression.',
    known(({ sources }) => sources.limits.windowBytes),
  ),

  // TLS.
  histogram(
    'wsloom_tls_handshake_seconds',
    'Time of TLS handshakes that have succeeded. Those that failed are in `wsloom_refused_total`.',
    distribution('TLS_HANDSHAKE_SECONDS'),
  ),
  counter('wsloom_tls_resumed_total', 'TLS handshakes that have resumed an earlier session.', inSum('TLS_RESUMED')),
  gauge(
    'wsloom_certificate_expiry_timestamp_seconds',
    'When each certificate expires, in seconds since 1970. The name is that of `tls.sni`, and empty for the default.',
    knownBy('name', ({ sources }) =>
      sources.stats.certificates.map(({ name = '', validTo }) => [name, validTo / 1000] as const),
    ),
  ),

  // Several servers.
  gauge(
    'wsloom_backplane_connected',
    '1 for an engine that is connected, and 0 for one that is lost.',
    knownBy('engine', ({ sources }) =>
      (sources.health.backplane ?? []).map(({ name, state }) => [name, state === 'connected' ? 1 : 0] as const),
    ),
  ),
  counter(
    'wsloom_backplane_messages_total',
    'Messages given to the engine for other servers, and messages of other servers that came from it, each once.',
    inSumBy('direction', { received: 'BACKPLANE_RECEIVED', sent: 'BACKPLANE_PUBLISHED' }),
  ),
  counter(
    'wsloom_backplane_bytes_total',
    'Bytes of messages given to the engine and of those that came from it, without its own protocol. Those of refused messages are in it.',
    inSumBy('direction', { received: 'BACKPLANE_BYTES_IN', sent: 'BACKPLANE_BYTES_OUT' }),
  ),
  counter(
    'wsloom_backplane_dropped_total',
    'Messages published and not sent to other servers.',
    inSum('BACKPLANE_DROPPED'),
  ),
  counter(
    'wsloom_backplane_refused_total',
    'Messages that came from the engine and were dropped, because no server of this fleet sends such, or above `maxPayloadBytes`.',
    inSum('BACKPLANE_REFUSED'),
  ),
  counter(
    'wsloom_backplane_lag_seconds_total',
    'For each message received the time from the primary of the other server to this one, by the clocks of both, in whole ms.',
    inSum('BACKPLANE_LAG_MS', 1 / 1000),
  ),
  counter(
    'wsloom_backplane_reconnects_total',
    'How often a connection to an engine was made again after it was lost.',
    inSum('BACKPLANE_RECONNECTS'),
  ),
  gauge(
    'wsloom_backplane_subscriptions',
    'Topics that are subscribed to at the engine.',
    inSum('BACKPLANE_SUBSCRIPTIONS'),
  ),

  // The process, by the names that all processes have in Prometheus.
  counter(
    'process_cpu_seconds_total',
    'Processor time of the process, all threads together.',
    known(() => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    }),
  ),
  gauge(
    'process_resident_memory_bytes',
    'Memory of the process that is resident.',
    known(() => process.memoryUsage.rss()),
  ),
  gauge(
    'process_start_time_seconds',
    'When the process was started, in seconds since 1970.',
    known(() => performance.timeOrigin / 1000),
  ),
];
