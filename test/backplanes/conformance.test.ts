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
});
