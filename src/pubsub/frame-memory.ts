/** Memory that encoded frames lie in. It does not change while somebody holds it. */
export interface FrameMemory {
  readonly bytes: Buffer;
  readonly isFree: boolean;
  /** Changes whenever the memory is used for something else. */
  readonly version: number;
  acquire(): void;
  release(): void;
}
