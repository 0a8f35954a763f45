/** What the page has instead of `node:fs`: the kernels read the modules that were fetched before. */
const files = new Map<string, Uint8Array<ArrayBuffer>>();

/** Fetches files, so that {@link readFileSync} has them. @throws Error if one is not there */
export async function fetchFiles(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const response = await fetch(path);
    if (!response.ok) throw new Error(`${path} is not there: ${response.status}`);
    files.set(path, new Uint8Array(await response.arrayBuffer()));
  }
}

/** The content of a file that was fetched. @throws Error if it was not */
export function readFileSync({ pathname }: URL): Uint8Array<ArrayBuffer> {
  const bytes = files.get(pathname);
  if (bytes === undefined) throw new Error(`${pathname} was not fetched before`);
  return bytes;
}
