import { describe, it } from 'vitest';
import { expectNoLeaks } from './resetting.js';

describe.runIf(process.platform === 'linux').each([0, 1, 2])('with threads: %i', (threads) => {
  it('thousands of clients that go at any stage of the hand-off leave no descriptor behind', async () => {
    await expectNoLeaks(threads, 9000, 225);
  });
});
