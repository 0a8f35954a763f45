import { describe, expect, it } from 'vitest';
import { serve } from '../e2e/serving.js';
import { THREADS } from '../e2e/transport.js';
import { handlerOf, withstand } from './attack.js';
import { connectAndReset } from './resets.js';

const MIB = 1024 * 1024;

describe.each(THREADS)('a server, with threads: %i', (threads) => {
  it('has everything back after 1 000 clients that connect and reset', async () => {
    await using served = await serve({ handler: handlerOf('paths.js'), threads });
    await withstand(served, () => connectAndReset(served, 1000), { bufferedBytes: 16 * MIB });
    const { opened, protocolErrors, connectionsLost, workersLost } = served.server.stats();
    expect(opened).toBeGreaterThan(250);
    expect({ protocolErrors, connectionsLost, workersLost }).toEqual({
      protocolErrors: 0,
      connectionsLost: 0,
      workersLost: 0,
    });
    expect(served.log.lines.filter((line) => !line.startsWith('info: '))).toEqual([]);
  });
});
