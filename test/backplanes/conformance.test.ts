import { describe, expect, it } from 'vitest';
import { testBackplane } from '../../dist/backplanes/index.js';
import { MemoryEngine } from './memory.js';

describe('testBackplane', () => {
  it('finds nothing wrong with an engine that keeps the rules', async () => {
    const engine = new MemoryEngine();
    await testBackplane(() => engine.backplane());
  });

  it('says in its message all that it has found', async () => {
    const engine = new MemoryEngine({ maxMessageBytes: 1000, ignoresAbort: true });
    const tested = testBackplane(() => engine.backplane());
    await expect(tested).rejects.toMatchObject({ code: 'WSLOOM_BACKPLANE_TEST', name: 'BackplaneTestError' });
    await expect(tested).rejects.toThrow(/breaks 2 of its rules:\n- connect\(\).*\n- maxMessageBytes .* it is 1000$/);
  });

  it('reports an engine that cannot be reached for each rule that needs it', async () => {
    const tested = testBackplane(() => ({ name: 'none', connect: () => Promise.reject(new Error('nobody there')) }));
    await expect(tested).rejects.toThrow('nobody there');
  });

  it.each([
    ['an engine', new MemoryEngine().backplane(), 'its type is object'],
    ['nothing', undefined, 'its type is undefined'],
    [
      'a function that fails',
      () => {
        throw new Error('no engine');
      },
      'it has failed: no engine',
    ],
    ['a function that returns nothing', () => undefined, 'what it returns has no connect()'],
  ])('says once that it was given %s instead of a function that makes one', async (_, make, found) => {
    const tested = testBackplane(make as never);
    await expect(tested).rejects.toMatchObject({
      code: 'WSLOOM_BACKPLANE_TEST',
      failures: [`make is a function that makes a backplane: ${found}`],
    });
  });

  it('says which methods a connection does not have', async () => {
    const connection = { maxMessageBytes: 5000, publish: () => true, close: async () => {} };
    const tested = testBackplane(() => ({ name: 'half', connect: async () => connection as never }), {
      timeoutMs: 300,
    });
    await expect(tested).rejects.toThrow(
      'connect() must resolve to a connection, and what it resolves to has no subscribe, no unsubscribe',
    );
  });
});
