import { describe, expect, it } from 'vitest';
import { Gate } from '../../dist/opening/gate.js';

const OPEN = { allowedHosts: undefined, allowedOrigins: undefined };

describe('the gate', () => {
  it('asks first for the host, then for the origin', () => {
    const gate = new Gate({ ...OPEN, allowedHosts: ['ours.example'] });
    expect(gate.refusalFor('foreign.example', 'http://evil.example')).toMatchObject({
      status: 403,
      body: expect.stringContaining('--allow-host'),
    });
    expect(gate.refusalFor('ours.example', 'http://evil.example')).toMatchObject({
      status: 403,
      body: expect.stringContaining('--allow-origin'),
    });
    expect(gate.refusalFor('ours.example', 'http://ours.example')).toBeUndefined();
    expect(gate.refusalFor('ours.example', undefined)).toBeUndefined();
  });

  it('lets clients in that say no origin, and by default pages of the same', () => {
    const gate = new Gate(OPEN);
    expect(gate.refusalFor('localhost', undefined)).toBeUndefined();
    expect(gate.refusalFor('localhost', 'http://localhost')).toBeUndefined();
    expect(gate.refusalFor('localhost', 'null')).toMatchObject({ status: 403 });
    const strict = new Gate({ ...OPEN, allowedOrigins: [] });
    expect(strict.refusalFor('localhost', undefined)).toBeUndefined();
    expect(strict.refusalFor('localhost', 'http://localhost')).toMatchObject({ status: 403 });
  });

  it('has hosts of its own that a list overrules', () => {
    const gate = new Gate(OPEN);
    expect(gate.allowsHost('anything.example')).toBe(true);
    gate.defaultHosts = ['localhost'];
    expect(gate.allowsHost('anything.example')).toBe(false);
    expect(gate.allowsHost('localhost')).toBe(true);
    gate.defaultHosts = undefined;
    expect(gate.allowsHost('anything.example')).toBe(true);
    const told = new Gate({ ...OPEN, allowedHosts: ['told.example'] });
    told.defaultHosts = ['localhost'];
    expect(told.allowsHost('told.example')).toBe(true);
    expect(told.allowsHost('localhost')).toBe(false);
  });

  it('judges in another thread as in this one: its lists can be posted', () => {
    const lists = { allowedHosts: ['ours.example'], allowedOrigins: ['https://page.example'] };
    const gate = new Gate(structuredClone(lists));
    expect(gate.refusalFor('ours.example:8080', 'https://page.example:443')).toBeUndefined();
    expect(gate.refusalFor('ours.example', 'https://ours.example')).toMatchObject({ status: 403 });
  });

  it('is not made of a list that would never match', () => {
    expect(() => new Gate({ ...OPEN, allowedHosts: ['*.example.org'] })).toThrow('must be names or addresses');
    expect(() => new Gate({ ...OPEN, allowedOrigins: ['example.org'] })).toThrow('must be origins like');
  });
});
