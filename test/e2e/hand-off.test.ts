import { describe, it } from 'vitest';
import { expectNoLeaks } from './resetting.js';

describe.runIf(process.platform === 'linux').each([0, 2])('with threads: %i', (threads) => {
  it('hundreds of clients that go at any stage of the hand-off leave no descriptor behind', async () => {
    await expectNoLeaks(threads, 450, 90);
  });
});
