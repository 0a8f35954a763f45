/** tcp(7): what was written to a socket and not acknowledged by its peer, in bytes, as an int. */
const SIOCOUTQ = 0x5411;

type Ioctl = (fd: number, request: number, type: string, value: Int32Array) => number;

let ioctl: Ioctl | undefined;
let isLoading = process.platform !== 'linux';
const value = new Int32Array(1);

/**
 * What the kernel still holds of the output of a TCP socket, in bytes. It falls as the peer takes it, long before a socket
 * whose buffer is full has room again: on Linux that is when a third of it is free. 0 where that cannot be known, and at
 * first, while it is loaded how to ask.
 */
export function unacknowledgedBytes(fd: number): number {
  if (ioctl !== undefined) return ioctl(fd, SIOCOUTQ, 'int *', value) === 0 ? (value[0] as number) : 0;
  if (!isLoading) {
    isLoading = true;
    load().then(
      (loaded) => {
        ioctl = loaded;
      },
      () => {}, // no binary for this system: then it is not known
    );
  }
  return 0;
}

/** Not before a peer is slow: few threads ever need it. */
async function load(): Promise<Ioctl> {
  const { default: koffi } = await import('koffi');
  // Declared as variadic, which it is: see descriptor.ts.
  return koffi.load(null).func('int ioctl(int fd, unsigned long request, ...)') as unknown as Ioctl;
}
