import { describeValue, oneLine } from '../telemetry/describe-value.js';

const MAX_CHARACTERS = 300;

/**
 * What an engine's error says, in one line. Node's error for a name with several addresses says nothing itself, and has an error for each
 * address: then the first of these is shown. Never throws, whatever an engine throws.
 */
export function describeEngineError(error: unknown): string {
  try {
    if (typeof error === 'string') return oneLine(error, MAX_CHARACTERS);
    if (error instanceof AggregateError && error.message === '') return describeEngineError(error.errors[0]);
    if (error instanceof Error) return oneLine(error.message || error.name, MAX_CHARACTERS);
  } catch {
    // Its own getters throw: it is described without them.
  }
  return describeValue(error);
}
