import { describe, expect, it } from 'vitest';
import { Conversation } from '../../dist/learn/conversation.js';
import { LESSONS } from '../../dist/learn/lesson.js';

/** All that happens, each with the name of the side. */
function eventsOf(name: string): string[] {
  const lesson = LESSONS.find((one) => one.name === name);
  if (lesson === undefined) throw new Error(`there is no lesson named ${name}`);
  const conversation = new Conversation(lesson);
  const events: string[] = [];
  for (let step = conversation.step(); step !== undefined; step = conversation.step()) {
    for (const one of step.happened) events.push(`${step.to} ${one}`);
  }
  expect(conversation.waiting).toBe(0);
  return events;
}

/** The code that each lesson about a broken rule is answered with, if it is not 1002. */
const CODES: Readonly<Record<string, number>> = {
  'client: a text that is not UTF-8': 1007,
  'client: a message above the limit of the server': 1009,
  'server: a text that is not UTF-8': 1007,
};

describe('a conversation, byte by byte', () => {
  it('closes as both sides have to if nothing is wrong', () => {
    expect(eventsOf('nothing wrong: a text, and then a Close')).toEqual([
      'server has a whole message: text, "Hello"',
      'server has a Close with 1000 NORMAL, and answers with a Close that has the same code',
      'client has a Close with 1000 NORMAL, and answers with a Close that has the same code',
    ]);
  });

  it('answers a Ping between two fragments', () => {
    expect(eventsOf('nothing wrong: a Ping between two fragments')).toEqual([
      'server has a Ping, and answers with a Pong that has the same payload',
      'client has a Pong, which needs no answer',
      'server has a whole message: text, "Hello"',
    ]);
  });

  const wrong = LESSONS.filter(({ name }) => !name.startsWith('nothing wrong'));
  it.each(wrong.map(({ name, from }) => [name, from] as const))('%s: the connection is failed', (name, from) => {
    const judge = from === 'client' ? 'server' : 'client';
    const events = eventsOf(name);
    expect(events).toHaveLength(2);
    expect(events[0]).toMatch(new RegExp(`^${judge} finds what is forbidden: .* a Close with ${CODES[name] ?? 1002} `));
    expect(events[1]).toMatch(new RegExp(`^${from} has a Close with ${CODES[name] ?? 1002} `));
  });

  it('finds a wrong first byte before the second has come, and discards the rest', () => {
    const lesson = LESSONS.find(({ name }) => name === 'client: a reserved opcode');
    const conversation = new Conversation(lesson as (typeof LESSONS)[number]);
    expect(conversation.step()?.happened[0]).toContain('reserved opcode 3');
    const steps = [];
    for (let step = conversation.step(); step !== undefined; step = conversation.step()) steps.push(step);
    const toServer = steps.filter(({ to }) => to === 'server');
    expect(toServer.length).toBeGreaterThan(0);
    expect(toServer.every(({ isDiscarded }) => isDiscarded)).toBe(true);
  });
});
