import { describe, expect, it } from 'vitest';
import { fragmentSteps } from '../../dist/learn/fragment-steps.js';

const newKey = () => Uint8Array.of(1, 2, 3, 4);
const cut = (text: string, count: number, ping?: string) => fragmentSteps(text, { count, ping, newKey });

describe('fragments', () => {
  it('bring a message in their order, and a Ping between them is no part of it', () => {
    const steps = cut('Hello!', 3, 'here?');
    expect(steps.map(({ frame, soFar }) => `${frame}: ${soFar}`)).toEqual([
      'TEXT, FIN 0: He',
      'PING, FIN 1: He',
      'CONTINUATION, FIN 0: Hell',
      'CONTINUATION, FIN 1: Hello!',
    ]);
    expect(steps[0]?.bytes).toBe('01 82 01 02 03 04 49 67');
    expect(steps[0]?.payload).toBe('48 65');
    expect(steps[3]?.does).toContain('text message of 3 frames: "Hello!"');
  });

  it('may end within a character, which is shown when it is whole', () => {
    expect(cut('ü', 2).map(({ soFar }) => soFar)).toEqual(['', 'ü']);
  });

  it.each([1, 2, 8])('may be %i, some of them empty', (count) => {
    const steps = cut('abc', count);
    expect(steps).toHaveLength(count);
    expect(steps.at(-1)?.soFar).toBe('abc');
    expect(steps.filter(({ does }) => does.includes('the message is whole'))).toEqual([steps.at(-1)]);
  });
});
