/** What Linux says of processes and of itself, in /proc. */
import { readdirSync, readFileSync } from 'node:fs';

/** The CPU time of all threads of a process that live, in seconds. */
export function cpuSecondsOf(pid: number): number {
  const folder = `/proc/${pid}/task`;
  const times = readdirSync(folder).map((thread) => threadSeconds(`${folder}/${thread}`));
  return times.reduce((sum, time) => sum + time, 0);
}

function threadSeconds(folder: string): number {
  const [nanoseconds = ''] = readFileSync(`${folder}/schedstat`, 'utf8').split(' ');
  return Number(nanoseconds) / 1e9;
}

/** The memory of the kernel's objects: sockets are among them, but not the bytes that wait in them. */
export function slabBytes(meminfo = readFileSync('/proc/meminfo', 'utf8')): number {
  const [, kib = ''] = /^Slab:\s*(\d+) kB/m.exec(meminfo) ?? [];
  return Number(kib) * 1024;
}

/** How many descriptors a process has. */
export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
