/** What Linux says of processes and of itself, in /proc. */
import { readdirSync, readFileSync } from 'node:fs';

/** The CPU time of all threads of a process that live, in seconds. */
export function cpuSecondsOf(pid: number): number {
  const folder = `/proc/${pid}/task`;
  const times = readdirSync(folder).map((thread) => threadSeconds(`${folder}/${thread}`));
  return times.reduce((sum, time) => sum + time, 0);
}

/** The CPU time of the first thread of a process, in seconds: of wsloom, the primary's. */
export function firstThreadSecondsOf(pid: number): number {
  return threadSeconds(`/proc/${pid}/task/${pid}`);
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

/** What has gone over the loopback device since the start: IP packets, and their bytes. */
export function loopbackTraffic(devices = readFileSync('/proc/net/dev', 'utf8')): {
  readonly bytes: number;
  readonly packets: number;
} {
  const [, list = ''] = /^\s*lo:(.*)$/m.exec(devices) ?? [];
  const [bytes = 0, packets = 0] = list.trim().split(/\s+/).map(Number);
  return { bytes, packets };
}
