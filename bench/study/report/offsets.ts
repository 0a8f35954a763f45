/** How much the fastest JavaScript of a view depends on where in eight bytes a range begins: the figures of other tables are of one offset. */
import { USUAL_ALIGNMENT } from '../design.js';
import { type Engine, FASTEST_JS_OF_VIEWS, isOfView } from '../findings.js';
import { asFast, COPYING, KIB } from './wording.js';

interface Offsets {
  readonly name: string;
  readonly count: number;
  readonly here: string;
  readonly others: string;
  readonly isSlowest: boolean;
  /** What WASM with copies is at the other offsets. */
  readonly copying: string;
}

/** Undefined if that makes no difference, or was not measured. */
function offsetsOf(engine: Engine): Offsets | undefined {
  const wanted = { op: 'unmask', bytes: KIB } as const;
  const here = engine.find({ ...wanted, candidate: FASTEST_JS_OF_VIEWS });
  if (here === undefined || !isOfView(here.candidate)) return undefined;
  const { candidate } = here;
  const alignments = engine.values('alignment', { ...wanted, candidate, content: 'any', pattern: 'hot' });
  const others = alignments
    .filter((alignment) => alignment !== USUAL_ALIGNMENT)
    .flatMap((alignment) => engine.find({ ...wanted, candidate, alignment }) ?? [])
    .toSorted((one, other) => one.ns - other.ns);
  const [least, most] = [others[0], others.at(-1)];
  if (least === undefined || most === undefined || here.ns < least.ns * 1.1) return undefined;
  const cell = ({ alignment }: { readonly alignment: number }) => engine.nsCell({ ...wanted, candidate, alignment });
  const ratios = others
    .flatMap((one) => {
      const copying = engine.find({ ...wanted, candidate: COPYING, alignment: one.alignment });
      return copying === undefined ? [] : [one.ns / copying.ns];
    })
    .toSorted((one, other) => one - other);
  const [worst = Number.NaN, best = Number.NaN] = [ratios[0], ratios.at(-1)];
  return {
    name: candidate,
    count: others.length + 1,
    here: cell(here),
    others: least === most ? cell(least) : `${cell(least)} to ${cell(most)}`,
    isSlowest: here.ns >= most.ns,
    copying: ratios.length === 0 ? '' : [...new Set([asFast(worst), asFast(best)])].join(', and at best '),
  };
}

/** In one sentence. Nothing if it makes no difference. */
export function offsetsInShort(engine: Engine): string {
  const found = offsetsOf(engine);
  return found === undefined
    ? ''
    : `Where a range begins makes a difference to it: these figures are of the offset at which it takes ${found.here} ns for 1 KiB, and at others it takes ${found.others} ns.`;
}

/** The same where there is more room. */
export function offsetsOnPage(engine: Engine): string {
  const found = offsetsOf(engine);
  if (found === undefined) return '';
  const { name, count, here, others, isSlowest, copying } = found;
  return ` All ranges on this page begin ${USUAL_ALIGNMENT} bytes behind a multiple of 8, as payloads behind the header of a small frame do. ${isSlowest ? `That is the slowest of ${count} offsets for` : 'That makes a difference for'} \`${name}\`: it takes ${here} ns for 1 KiB here, and ${others} ns at the other offsets.${copying === '' ? '' : ` There WASM with copies is ${copying} (by figures with \`~\` too).`}`;
}
