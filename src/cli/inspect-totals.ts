import type { InspectionEvent, InspectionTotals } from '../capture/inspection.js';

/** What was counted while an input was inspected. */
export interface InspectTotals {
  frames: number;
  messages: number;
  /** Broken rules. */
  broken: number;
  gaps: number;
  /** Of a capture. */
  readonly capture: InspectionTotals | undefined;
  /** Whether the capture ends in the middle of a packet. */
  isCut: boolean;
}

/** Counts what happens. */
export function count(totals: InspectTotals, event: InspectionEvent): void {
  if (event.kind === 'frame') {
    totals.frames++;
    if (event.frame.message !== undefined) totals.messages++;
  } else if (event.kind === 'violation') totals.broken++;
  else if (event.kind === 'gap') totals.gaps++;
}

/** How what was inspected is shown. Each text ends with a line break. */
export interface InspectPrinter {
  event(event: InspectionEvent): string;
  totals(totals: InspectTotals): string;
}
