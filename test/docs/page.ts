import { runInNewContext } from 'node:vm';
import { type ClientOptions, WebSocket } from 'ws';

type SubmitListener = (event: { preventDefault(): void }) => void;

/** The part of a browser that the script of a page in the docs needs. */
export class Page implements Disposable {
  /** The items of its list. */
  readonly shown: string[] = [];
  readonly #input = { value: '' };
  readonly #sockets: WebSocket[] = [];
  #onSubmit: SubmitListener = () => {};

  /** @param options of its WebSockets, such as whom they trust. */
  constructor(html: string, url: string, options: ClientOptions = {}) {
    const [, script = ''] = /<script type="module">(.*)<\/script>/s.exec(html) ?? [];
    const elements: Readonly<Record<string, unknown>> = {
      '#messages': { append: ({ textContent }: { readonly textContent: string }) => this.shown.push(textContent) },
      '#text': this.#input,
      '#form': {
        addEventListener: (_: 'submit', listener: SubmitListener) => {
          this.#onSubmit = listener;
        },
      },
    };
    const open = (target: string) => {
      const socket = new WebSocket(target, { origin: new URL(url).origin, ...options });
      this.#sockets.push(socket);
      return socket;
    };
    runInNewContext(script, {
      document: { querySelector: (selector: string) => elements[selector], createElement: () => ({}) },
      location: new URL(url),
      // Called with `new`.
      WebSocket: function BrowserSocket(target: string) {
        return open(target);
      },
    });
  }

  submit(text: string): void {
    this.#input.value = text;
    this.#onSubmit({ preventDefault: () => {} });
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}
