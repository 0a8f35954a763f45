import type { Backplane } from '../fleet/backplane.js';
export async function backplaneOf(url: string): Promise<Backplane> {
  throw new Error(`no ${url}`);
}
