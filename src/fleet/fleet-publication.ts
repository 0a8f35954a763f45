/** Messages to one topic, on their way to other servers or from one of them. */
export interface FleetPublication {
  readonly topic: string;
  /** Their frames as a server sends them: right, whole and not compressed. */
  readonly frames: Uint8Array;
  /** How many they are. */
  readonly messages: number;
  /** Whether they may be compressed for clients. */
  readonly mayCompress: boolean;
}

/** A publication that leaves this server. */
export interface TimedPublication extends FleetPublication {
  /** When the primary was given it, in ms since 1970. */
  readonly timestamp: number;
}
