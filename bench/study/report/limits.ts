import { enumeration, list } from '../markdown.js';
import type { Machine } from '../../machine.js';
import type { Engine } from '../findings.js';
import { isOlder } from './cautions.js';
import type { Study } from '../results.js';

/** @param others the studies of other machines @param all the engines of this one */
export function limits(study: Study, others: readonly Study[], all: readonly Engine[]): string {
  const { machine, engines, isQuick } = study;
  const hasAuto = all.some((engine) => engine.candidates('unmask').includes('auto'));
  const machines = [machine, ...others.map((other) => other.machine)];
  const untried = machines.every(({ arch }) => arch === 'x64') ? ' arm64 was not tried.' : '';
  return list(
    [
      `${others.length === 0 ? 'One machine' : 'Except in the chapter about all machines: one machine'} (${kindOf(machine)}). Other processors have other vectors and other caches.${untried} On another machine figures, ratios and crossovers are others.`,
      `Versions: ${enumeration(engines.map(({ name, version, compiler }) => `${name} (${version}, ${compiler})`))}. Another version may compile the code in another way.`,
      'Code is warm, except where the start is what is measured: servers live long.',
      '`TextDecoder` makes a string as large as its text, whose memory comes from the collector. So a larger one of the longest texts may take it less time, which nothing else may do.',
      'Faster JavaScript than that of this package may exist. Compared with that, WebAssembly and native code would gain less.',
      'The same JavaScript is compiled to faster or slower loops by what is around the call, and short loops differ most. The rounds have three kinds of callers; others may be faster or slower than all of them.',
      `Each loop sees one candidate${isOlder(study) ? ', except where the start, memory and sharing are asked about' : ''}. A call site that meets several is slower, for all of them.`,
      'Cold cache includes cold translation of addresses, and 256 places in an irregular order: a stream that the hardware can foresee is between hot and cold.',
      `${hasAuto ? 'The kernel `auto` is measured as it is shipped, with thresholds that are medians of several engines, found on another machine.' : 'The kernel `auto` is in no table of kernels: it was measured in the server, and its thresholds were.'} The thresholds are for messages that go through the framing loop. Small messages that arrive whole are unmasked and validated by WASM in one call for each read, whatever the thresholds are.`,
      'End to end, server and client run on one machine, and its loopback device takes the place of a network.',
      isQuick ? 'It is a quick run.' : '',
    ].filter((item) => item !== ''),
  );
}

function kindOf({ cpu, arch, isVirtual }: Machine): string {
  return [cpu, ...(arch === undefined ? [] : [arch]), ...(isVirtual === true ? ['virtual'] : [])].join(', ');
}
