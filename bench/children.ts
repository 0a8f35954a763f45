import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';

const children = new Set<ChildProcess>();
/** The children that are the first of a group of processes. */
const leaders = new WeakSet<ChildProcess>();

/** Starts a process that does not outlive this one. */
export function launch(command: readonly string[], options: SpawnOptions): ChildProcess {
  const [file = '', ...args] = command;
  const child = spawn(file, args, options);
  children.add(child);
  child.once('exit', () => children.delete(child));
  child.once('error', () => children.delete(child)); // it could not be started: other listeners of 'error' notice that too
  return child;
}

/** The same for a process that starts others: when it ends, they are ended too. */
export function launchGroup(command: readonly string[], options: SpawnOptions): ChildProcess {
  const child = launch(command, { ...options, detached: true });
  leaders.add(child);
  child.once('exit', () => kill(child));
  return child;
}

/** Ends a process at once, and waits until it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  kill(child);
  await gone;
}

function kill(child: ChildProcess): void {
  if (!leaders.has(child)) child.kill('SIGKILL');
  else if (child.pid !== undefined) {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // All of the group have ended.
    }
  }
}

/** From now on no process is left behind, however this one ends. */
export function endChildrenAtExit(): void {
  process.on('exit', () => {
    for (const child of children) kill(child);
  });
  process.on('SIGINT', () => process.exit(130));
  process.on('SIGTERM', () => process.exit(143));
  process.on('SIGHUP', () => process.exit(129));
}
