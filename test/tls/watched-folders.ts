import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** How many folders and files this process watches; undefined where the system does not say. */
export function watchedFolders(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const watched = readdirSync('/proc/self/fd').map((fd) => {
    try {
      if (!readlinkSync(`/proc/self/fd/${fd}`).includes('inotify')) return 0;
      return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^inotify /gm)?.length ?? 0;
    } catch {
      return 0; // it was closed meanwhile, such as the descriptor that this folder is read by
    }
  });
  return watched.reduce((sum, one) => sum + one, 0);
}
