/** The server of the study's page: on loopback, for one round of one browser. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type PageJob, PATHS } from './page-round.js';

/** The most that a page may post: a round has 20 kB. */
const MOST_BYTES = 1024 * 1024;

/** Which folder is behind which part of the URL. Only scripts and modules are served. */
const SERVED = /^\/(bench|dist)\/([\w/-]+\.(js|wasm))$/;
const TYPES: Readonly<Record<string, string>> = { js: 'text/javascript', wasm: 'application/wasm' };

/** Where the files are: the compiled benchmarks, and the package. */
export interface PageFolders {
  readonly bench: URL;
  readonly dist: URL;
}

/** In Node the kernels read their modules by `node:fs`. */
const IMPORTS = { '#dist/': '/dist/', 'node:fs': '/bench/study/page-files.js' };
const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>The study</title>
<link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
<script>
  const fail = (what) => fetch('${PATHS.failure}', { method: 'POST', body: what });
  addEventListener('error', ({ message, target }) => fail(message ?? \`\${target.src} could not be loaded\`), true);
  addEventListener('unhandledrejection', ({ reason }) => fail(String(reason)));
</script>
<script type="module" src="/bench/study/page.js"></script>
`;

/** With these headers a page is isolated from others, and has the finest clock that its browser gives to pages. */
const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

/** Closed at the end of its block. */
export class PageServer implements AsyncDisposable {
  readonly url: string;
  /** The first that the page posts: its round, not yet looked at. Rejected with what went wrong in the page. */
  readonly posted: Promise<string>;
  readonly #server: Server;
  readonly #folders: PageFolders;
  readonly #job: PageJob;
  #resolve: (body: string) => void = () => {};
  #reject: (error: Error) => void = () => {};

  private constructor(server: Server, folders: PageFolders, job: PageJob) {
    this.#server = server;
    this.#folders = folders;
    this.#job = job;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    this.posted = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.posted.catch(() => {}); // whoever waits for it gets the error; it may come before anybody does
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  static async listen(folders: PageFolders, job: PageJob): Promise<PageServer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new PageServer(server, folders, job);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    if (request.method === 'POST') await this.#take(path, request, response);
    else if (path === '/') response.setHeader('Content-Type', 'text/html; charset=utf-8').end(PAGE);
    else if (path === PATHS.job) response.setHeader('Content-Type', 'application/json').end(JSON.stringify(this.#job));
    else await this.#serve(path, response);
  }

  async #take(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (path !== PATHS.round && path !== PATHS.failure) {
      response.writeHead(404).end();
      return;
    }
    const body = await bodyOf(request);
    if (body === undefined) {
      response.writeHead(413, { Connection: 'close' }).end();
      this.#reject(new Error(`the page posted more than ${MOST_BYTES} bytes, or not to the end`));
      return;
    }
    response.writeHead(204).end();
    if (path === PATHS.round) this.#resolve(body);
    else this.#reject(new Error(`in the page: ${body}`));
  }

  async #serve(path: string, response: ServerResponse): Promise<void> {
    const [, folder, file = '', extension = ''] = SERVED.exec(path) ?? [];
    try {
      if (folder !== 'bench' && folder !== 'dist') throw new Error(`${path} is not served`);
      const bytes = await readFile(new URL(file, this.#folders[folder]));
      response.setHeader('Content-Type', TYPES[extension] ?? '').end(bytes);
    } catch {
      response.writeHead(404).end(); // the page cannot load it then, and says so
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Undefined if it is too long, or its sender goes away. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > MOST_BYTES) return undefined;
      parts.push(part);
    }
    return Buffer.concat(parts).toString();
  } catch {
    return undefined; // the connection ended
  }
}
