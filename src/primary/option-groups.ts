/** The headings over the options in `--help`, in docs/cli.md and in docs/limits.md. */
export const Group = {
  THREADS: 'Threads',
  PATHS: 'Paths',
  ADMIN: 'Admin port',
  TLS: 'TLS',
  PROXIES: 'Behind a proxy',
  FLEET: 'Several servers',
  COMPRESSION: 'Compression',
  CONNECTIONS: 'Limits of connections',
  REQUESTS: 'Limits of requests',
  MESSAGES: 'Limits of messages',
  OUTPUT: 'Limits of output',
  TIME: 'Limits of time',
  ALL: 'Limits of all connections together',
  LOG: 'Log',
} as const;
