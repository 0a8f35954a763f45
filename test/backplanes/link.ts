import type { Backplane, BackplaneConnection } from '../../dist/backplanes/index.js';

/** A connection of a test to an engine, and what it has reported. It is closed at the end of its block. */
export class Link implements AsyncDisposable {
  readonly connection: BackplaneConnection;
  readonly received: { readonly topic: string; readonly bytes: Uint8Array }[];
  readonly losses: Error[];
  readonly #drains: { count: number };

  private constructor(
    connection: BackplaneConnection,
    reports: Pick<Link, 'received' | 'losses'> & { drains: { count: number } },
  ) {
    this.connection = connection;
    this.received = reports.received;
    this.losses = reports.losses;
    this.#drains = reports.drains;
  }

  static async to(backplane: Backplane, signal = new AbortController().signal): Promise<Link> {
    const reports = { received: [] as Link['received'], losses: [] as Error[], drains: { count: 0 } };
    const connection = await backplane.connect(
      {
        received: (topic, bytes) => reports.received.push({ topic, bytes: new Uint8Array(bytes) }),
        drained: () => reports.drains.count++,
        lost: (error) => reports.losses.push(error),
      },
      signal,
    );
    return new Link(connection, reports);
  }

  get drains(): number {
    return this.#drains.count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
  }
}

/** The error that a backplane does not connect with. */
export async function failureOf(backplane: Backplane, signal?: AbortSignal): Promise<Error> {
  return await Link.to(backplane, signal).then(
    async (link) => {
      await link.connection.close();
      throw new Error('it has connected');
    },
    (error: Error) => error,
  );
}
