/**
 * What RFC 7692 section 7.1 says about offers and answers, written after its text, and with nothing of `src/`: the answers of our server
 * and the offers of our client are judged by it.
 */

/** A parameter: its name and, if it has one, its value without quotes. */
export type Parameter = readonly [name: string, value?: string | undefined];
/** One element of Sec-WebSocket-Extensions. */
export interface Element {
  readonly name: string;
  readonly parameters: readonly Parameter[];
}

const DECIMALS_WITHOUT_LEADING_ZEROES = new Set(['8', '9', '10', '11', '12', '13', '14', '15']);

/** Takes an element apart whose values are tokens, not quoted. */
export function elementOf(text: string): Element {
  const [name = '', ...rest] = text.split(';').map((part) => part.trim());
  return { name, parameters: rest.map((part) => part.split('=') as unknown as Parameter) };
}

const valueIn = ({ parameters }: Element, name: string) => parameters.find(([one]) => one === name)?.[1];
const has = ({ parameters }: Element, name: string) => parameters.some(([one]) => one === name);

/** Section 7: what is wrong with an element by itself. */
function faults(element: Element, mayBeBare: boolean): string[] {
  const found: string[] = [];
  const seen: string[] = [];
  for (const [name, value] of element.parameters) {
    if (seen.includes(name)) found.push(`multiple extension parameters with the same name: ${name}`);
    seen.push(name);
    const isValid = (() => {
      if (name === 'server_no_context_takeover' || name === 'client_no_context_takeover') return value === undefined;
      const isWindow = value !== undefined && DECIMALS_WITHOUT_LEADING_ZEROES.has(value);
      if (name === 'server_max_window_bits') return isWindow;
      if (name === 'client_max_window_bits') return isWindow || (mayBeBare && value === undefined);
      return false;
    })();
    if (!isValid) found.push(`not defined, or with an invalid value: ${name}=${value}`);
  }
  return found;
}

/** "A server MUST decline an extension negotiation offer for this extension if any of the following conditions are met." */
export function mustBeDeclined(offer: Element): boolean {
  return faults(offer, true).length > 0;
}

/** "A client MUST fail the connection if …", and what section 7.1 lets a server answer to this offer. */
export function faultsOfAnswer(answer: Element, offer: Element): string[] {
  const found = faults(answer, false);
  if (answer.name !== 'permessage-deflate') found.push('another extension');
  // 7.1.1.1: "A server accepts an offer that includes the parameter by including the parameter in the corresponding response."
  if (has(offer, 'server_no_context_takeover') && !has(answer, 'server_no_context_takeover')) {
    found.push('server_no_context_takeover is not accepted');
  }
  // 7.1.2.1: "… by including the parameter in the response with the same or smaller value as the offer."
  if (has(offer, 'server_max_window_bits')) {
    const isAccepted =
      Number(valueIn(answer, 'server_max_window_bits')) <= Number(valueIn(offer, 'server_max_window_bits'));
    if (!isAccepted) found.push('server_max_window_bits is not accepted');
  }
  if (has(answer, 'client_max_window_bits')) {
    // 7.1.2.2: "If a received offer doesn't have the parameter, the corresponding response MUST NOT include the parameter."
    if (!has(offer, 'client_max_window_bits')) found.push('client_max_window_bits is not offered');
    // 7.1.2.2: "… with a value equal to or smaller than the received value."
    const hint = Number(valueIn(offer, 'client_max_window_bits') ?? 15);
    if (Number(valueIn(answer, 'client_max_window_bits')) > hint)
      found.push('client_max_window_bits is above the hint');
  }
  return found;
}

/** What the parameters of an answer say about one side (sections 7.1.1 and 7.1.2). */
export function agreedBy(answer: Element, side: 'server' | 'client') {
  return {
    contextTakeover: !has(answer, `${side}_no_context_takeover`),
    windowBits: Number(valueIn(answer, `${side}_max_window_bits`) ?? 15),
  };
}
