/** At which sizes one candidate is ahead of another, and at which the figures leave that open. */

/** What two figures say of the second one: `undecided` where it is ahead in a part of its spread, or a figure has a mark. */
export type Verdict = 'ahead' | 'alike' | 'behind' | 'undecided';

/** The first and the last of neighbouring sizes; open if all larger ones that were measured are alike at least, or there are none. */
export interface Run {
  readonly first: number;
  readonly last: number;
  readonly isOpen: boolean;
}

/** Where one candidate is surely ahead of another, and where the figures do not decide. In ascending order of sizes. */
export interface Lead {
  readonly ahead: readonly Run[];
  readonly undecided: readonly Run[];
}

/** The runs that begin and end with one verdict, and have only that and some others within. */
export function runsOf(
  verdicts: readonly { readonly bytes: number; readonly verdict: Verdict }[],
  of: Verdict,
  within: readonly Verdict[],
): Run[] {
  const runs: Run[] = [];
  let run: Omit<Run, 'isOpen'> | undefined;
  let isOpen = false;
  for (const { bytes, verdict } of verdicts) {
    if (verdict === of) {
      run = { first: run?.first ?? bytes, last: bytes };
      isOpen = true;
    } else if (verdict === 'undecided') isOpen = false;
    if (verdict === of || within.includes(verdict)) continue;
    if (run !== undefined) runs.push({ ...run, isOpen: false });
    run = undefined;
  }
  return run === undefined ? runs : [...runs, { ...run, isOpen }];
}
