import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CHROMIUM } from '../../../bench/browsers.js';
import { isThere } from '../deflate/browser.js';
import { arePeersRequired } from '../installed.js';
import { builtIn, type Served, serve } from '../serving.js';
import { ChromiumPage } from './page-of-chromium.js';

const pageOf = (served: Served) => `http://127.0.0.1:${served.port}/learn`;

/** Types into a field, as a person does. */
const type = (id: string, text: string) =>
  `{ const field = document.getElementById('${id}'); field.value = ${JSON.stringify(text)}; field.dispatchEvent(new Event('input')); }`;
const submit = (section: string) => `document.querySelector('#${section} form').requestSubmit()`;
const textOf = (id: string) => `document.getElementById('${id}').textContent`;

/** A promise of the page for text in an element: resolved as soon as it is there. */
const untilSays = (id: string, text: string) => `new Promise((resolve) => {
  const element = document.getElementById('${id}');
  const look = () => element.textContent.includes(${JSON.stringify(text)}) && resolve(element.textContent);
  new MutationObserver(look).observe(element, { childList: true, subtree: true, characterData: true });
  look();
})`;

/** Where people look at how the page looks: a folder for screenshots, if there is to be one. */
const FOLDER = Reflect.get(process.env, 'WSLOOM_TEST_SCREENSHOTS') as string | undefined;

const AXE = fileURLToPath(new URL('../../peers/node_modules/axe-core/axe.min.js', import.meta.url));
const hasAxe = existsSync(AXE);
if (!hasAxe && arePeersRequired) throw new Error('test/peers is not installed');

describe.runIf(isThere(CHROMIUM))('the page at /learn, in Chromium', () => {
  it('teaches in each of its sections, and complains of nothing', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 1 });
    await using page = await ChromiumPage.open(pageOf(served));

    expect(await page.evaluate(textOf('frame-status'))).toBe('1 frame, no rule is broken.');
    await page.evaluate(type('frame-hex', '818537fa213d7f9f4d5158'));
    expect(await page.evaluate(textOf('frame-out'))).toContain('"Hello"');
    await page.evaluate(type('frame-hex', '830548'));
    expect(await page.evaluate(textOf('frame-out'))).toMatch(/reserved opcode 3 .*frame without a mask /s);
    await page.evaluate(type('frame-hex', 'x'));
    expect(await page.evaluate(textOf('frame-status'))).toContain('no digit of hex at position 1');

    await page.evaluate(type('mask-key', '37 fa 21 3d'));
    expect(await page.evaluate(textOf('mask-status'))).toBe('Masked: 7f 9f 4d 51 58');
    await page.evaluate(submit('mask'));
    expect(await page.evaluate(`${textOf('mask-out')}.includes('byte 4 meets byte 0 of the key')`)).toBe(true);

    expect(await page.evaluate(textOf('accept-out'))).toContain('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    await page.evaluate(type('accept-key', 'Hello'));
    expect(await page.evaluate(textOf('accept-status'))).toContain('no client may send this key');
    await page.evaluate(submit('accept'));
    expect(await page.evaluate(textOf('accept-status'))).not.toContain('no client may send this key');

    expect(await page.evaluate(textOf('fragments-status'))).toBe('4 frames bring one message: "Grüße".');
    expect(await page.evaluate(textOf('fragments-out'))).toContain('A Ping is answered at once');

    const lessons = Number(await page.evaluate(`document.getElementById('violations-lesson').length`));
    expect(lessons).toBeGreaterThan(10);
    for (let lesson = 0; lesson < lessons; lesson++) {
      await page.evaluate(
        `document.getElementById('violations-lesson').value = ${lesson}; document.getElementById('violations-restart').click()`,
      );
      await page.evaluate(submit('violations'));
      expect(await page.evaluate(textOf('violations-status'))).toContain(' arrives. ');
      for (let event = 0; event < 4; event++)
        await page.evaluate(`document.getElementById('violations-event').click()`);
      expect(await page.evaluate(textOf('violations-status'))).toBe('Nothing is on its way any more.');
    }

    await page.evaluate(submit('live'));
    expect(await page.evaluate(untilSays('live-out', 'From the server'))).toMatch(/From the server.*To the server/s);
    await page.evaluate(`document.getElementById('live-close').click()`);
    expect(await page.evaluate(untilSays('live-status', 'closed: 1000'))).toContain('closed: 1000');
    expect(served.server.stats().messagesIn).toBe(1);
    expect(page.complaints).toEqual([]);
  });

  it('names every field, and fits into windows from 320 pixels on, light and dark', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 1 });
    await using page = await ChromiumPage.open(pageOf(served));
    for (const scheme of ['light', 'dark']) {
      await page.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
      for (const width of [320, 768, 1440]) {
        const metrics = { width, height: 900, deviceScaleFactor: 1, mobile: false };
        await page.call('Emulation.setDeviceMetricsOverride', metrics);
        await page.load(pageOf(served));
        await page.evaluate(`document.getElementById('violations-event').click()`);
        await page.evaluate(submit('live'));
        await page.evaluate(untilSays('live-out', 'From the server'));
        const name = `${width} pixels, ${scheme}`;
        const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
        expect(await page.evaluate(overflow), name).toBe(0);
        if (FOLDER === undefined) continue;
        const { data } = await page.call('Page.captureScreenshot', { captureBeyondViewport: true });
        writeFileSync(join(FOLDER, `${width}-${scheme}.png`), data as string, 'base64');
      }
    }
    const unnamed = `[...document.querySelectorAll('input, textarea, select')].filter((field) => field.labels.length === 0).map((field) => field.id)`;
    expect(await page.evaluate(unnamed)).toEqual([]);
    expect(await page.evaluate(`document.querySelectorAll('[role=status]').length`)).toBe(6);
    expect(page.complaints).toEqual([]);
  });

  it.skipIf(!hasAxe)('breaks none of the rules of axe, light and dark (npm ci --prefix test/peers)', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 1 });
    await using page = await ChromiumPage.open(pageOf(served));
    for (const scheme of ['light', 'dark']) {
      await page.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
      await page.load(pageOf(served));
      await page.evaluate(type('frame-hex', '8305'));
      await page.evaluate(`document.getElementById('violations-event').click()`);
      await page.evaluate(submit('live'));
      await page.evaluate(untilSays('live-out', 'From the server'));
      await page.evaluate(`${readFileSync(AXE, 'utf8')}; undefined`);
      const found = 'axe.run().then(({ violations, passes }) => ({ violations, passed: passes.length }))';
      const { violations, passed } = (await page.evaluate(found)) as { violations: unknown[]; passed: number };
      expect(violations, scheme).toEqual([]);
      expect(passed).toBeGreaterThan(30);
    }
  });
});
