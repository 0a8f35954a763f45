import { candidatesOf } from './candidates.js';
import { groups } from './design.js';
import { type Case, casesOf } from './harness.js';

/** All cases that are measured on each engine that is a program: on each version of Node, and on Bun. */
export function allCases(isQuick: boolean): Case[] {
  return casesOf(groups(isQuick), candidatesOf);
}
