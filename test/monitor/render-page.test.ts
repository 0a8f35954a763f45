import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { renderPage } from '../../dist/monitor/render-page.js';

const SOURCE = new URL('../../src/monitor/page/', import.meta.url);
const sourceOf = (name: string) => readFileSync(new URL(name, SOURCE), 'utf8');

/** The content of the only element of a page with this opening tag. */
function inside(page: string, opening: string, closing: string): string {
  const parts = page.split(opening);
  expect(parts).toHaveLength(2);
  return (parts[1] as string).split(closing)[0] as string;
}

const pathIn = (page: string) => inside(page, '<script type="application/json" id="path">', '</script>');

class FakeElement {
  className = '';
  textContent = '';
  value = '';
  children: FakeElement[] = [];
  parent: FakeElement | undefined;
  onsubmit: (event: { preventDefault(): void }) => void = () => {};

  prepend(child: FakeElement): void {
    child.parent = this;
    this.children.unshift(child);
  }

  get lastElementChild(): FakeElement | undefined {
    return this.children.at(-1);
  }

  remove(): void {
    const { parent } = this;
    if (parent !== undefined) parent.children = parent.children.filter((child) => child !== this);
  }

  /** Its lines, each with its kind. */
  get lines(): string[] {
    return this.children.map(({ className, textContent }) => `${className}: ${textContent}`);
  }
}

class FakeSocket {
  static readonly OPEN = 1;
  readyState = 0;
  readonly sent: string[] = [];
  onopen: () => void = () => {};
  onmessage: (event: { data: unknown }) => void = () => {};
  onclose: (event: { code: number; reason: string }) => void = () => {};
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  send(text: string): void {
    this.sent.push(text);
  }
}

/** Runs the script of a page as a browser does that has come from `origin` with `search`. */
function open(page: string, origin: string, search = '') {
  const [log, text, path, form] = [new FakeElement(), new FakeElement(), new FakeElement(), new FakeElement()];
  path.textContent = pathIn(page);
  text.value = 'hello';
  const sockets: FakeSocket[] = [];
  class WebSocket extends FakeSocket {
    constructor(url: string) {
      super(url);
      sockets.push(this);
    }
  }
  const document = {
    getElementById: (id: 'log' | 'text' | 'path') => ({ log, text, path })[id],
    querySelector: () => form,
    createElement: () => new FakeElement(),
  };
  runInNewContext(inside(page, '<script>', '</script>'), { document, WebSocket, location: { origin, search } });
  expect(sockets).toHaveLength(1);
  const submit = () => {
    let isPrevented = false;
    form.onsubmit({ preventDefault: () => (isPrevented = true) });
    expect(isPrevented).toBe(true);
  };
  return { log, text, submit, socket: sockets[0] as FakeSocket };
}

describe('the page', () => {
  it('is one document without references to others', () => {
    const page = renderPage('/');
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/\b(src|href)=|url\(|@import/);
    expect(inside(page, '<style>', '</style>').trim()).toBe(sourceOf('page.css').trim());
    expect(inside(page, '<script>', '</script>').trim()).toBe(sourceOf('page.js').trim());
  });

  it.each(['/', '/chat', '/a"b', '/</script><script>', '/$&$`', '/<link rel="stylesheet" href="page.css">', '/\u2028'])(
    'opens the WebSocket at %s, which stands in it as JSON',
    (path) => {
      const page = renderPage(path);
      expect(pathIn(page)).not.toContain('<');
      expect(JSON.parse(pathIn(page))).toBe(path);
      expect(open(page, 'http://127.0.0.1:8080').socket.url).toBe(`ws://127.0.0.1:8080${path}`);
    },
  );

  it('that came over TLS opens its WebSocket over TLS, with its own query', () => {
    expect(open(renderPage('/'), 'https://example.com', '?token=1').socket.url).toBe('wss://example.com/?token=1');
  });

  it('sends what is typed as soon as it is connected, and whenever it is submitted, and shows what comes', () => {
    const { log, text, socket, submit } = open(renderPage('/'), 'http://localhost');
    submit();
    expect(log.lines).toEqual(['note: not connected']);
    socket.readyState = FakeSocket.OPEN;
    socket.onopen();
    text.value = 'again';
    submit();
    expect(socket.sent).toEqual(['hello', 'again']);
    socket.onmessage({ data: 'an answer' });
    socket.onmessage({ data: new Blob(['four']) });
    socket.onclose({ code: 1001, reason: 'going away' });
    expect(log.lines).toEqual([
      'note: closed: 1001 going away',
      'received: 4 bytes',
      'received: an answer',
      'sent: again',
      'sent: hello',
      'note: connected to ws://localhost/',
      'note: not connected',
    ]);
  });

  it('shows the last hundred lines', () => {
    const { log, socket } = open(renderPage('/'), 'http://localhost');
    for (let i = 0; i < 150; i++) socket.onmessage({ data: `${i}` });
    expect(log.lines).toHaveLength(100);
    expect(log.lines[0]).toBe('received: 149');
    expect(log.lines[99]).toBe('received: 50');
  });

  it('does not exist without its files, for example in a bundle', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wsloom-page-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const bundle = join(folder, 'bundle.mjs');
    const module = readFileSync(new URL('../../dist/monitor/render-page.js', import.meta.url), 'utf8');
    writeFileSync(bundle, module.replace(/^\/\/# sourceMappingURL=.*/m, ''));
    const bundled: typeof import('../../dist/monitor/render-page.js') = await import(pathToFileURL(bundle).href);
    expect(bundled.renderPage('/')).toBe('');
  });
});
