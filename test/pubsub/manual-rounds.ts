import type { RoundMember } from '../../dist/compression/deflate-rounds.js';
import { PayloadDeflater } from '../../dist/compression/payload-deflater.js';

/** Compresses long payloads when a test wants it. */
export class ManualDeflater extends PayloadDeflater {
  members: RoundMember[] = [];
  override readonly rounds = { add: (member: RoundMember) => void this.members.push(member) };

  /** An iteration of the event loop. */
  round(): void {
    this.members = this.members.filter((member) => member.goOn());
  }

  /** As many iterations as it takes. @returns their number */
  finish(): number {
    let rounds = 0;
    for (; this.members.length > 0; rounds++) this.round();
    return rounds;
  }
}
