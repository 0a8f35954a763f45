/** What the arithmetic and the simulation take from the measured figures. */
import type { Costs } from './arithmetic.js';
import { ASSUMED_BACKPLANE } from './assumptions.js';
import type {
  DeliveryFigure,
  Figures,
  Handshake,
  HandshakeFigure,
  MemoryFigure,
  PublicationFigure,
} from './figures-file.js';

/** A figure that is needed has not been measured. */
export class MissingFigure extends Error {
  constructor(what: string) {
    super(`there is no figure of ${what}: npm run ten-million:measure measures it`);
  }
}

/** @param handshake how connections are opened */
export function costsOf(figures: Figures, handshake: Handshake): Costs {
  const isSecure = isTls(handshake);
  const { serverBytes, kernelBytes } = memoryOf(figures, isSecure);
  const { micros, primaryShare } = handshakeOf(figures, handshake);
  const { outMicros, inMicros } = backplaneOf(figures);
  const { echo, publication } = figures;
  const [small, large] = plainDeliveries(figures);
  const perByte = Math.max(0, (large.micros - small.micros) / (large.bytes - small.bytes));
  const first = isSecure ? secureDelivery(figures) : small;
  return {
    serverBytesPerConnection: serverBytes,
    kernelBytesPerConnection: kernelBytes,
    handshakePrimaryMicros: micros * primaryShare,
    handshakeWorkerMicros: micros * (1 - primaryShare),
    heartbeatMicros: known(figures.heartbeatMicros, 'heartbeats'),
    // It comes alone on its connection, as an echo does, and not with 31 others as where publications were measured.
    publicationMicros: known(echo.micros, 'echoes') + known(publication.oneThreadMicros, 'publications'),
    deliveryMicros: first.micros - first.bytes * perByte,
    deliveryMicrosPerByte: perByte,
    crossingMicros: crossingMicros(publication),
    backplaneOutMicros: outMicros,
    backplaneInMicros: inMicros,
  };
}

/** What a publication takes more if it comes to another thread. */
export function crossingMicros({ oneThreadMicros, twoThreadsMicros }: PublicationFigure): number {
  const [one, two] = [known(oneThreadMicros, 'publications'), known(twoThreadsMicros, 'publications to two threads')];
  return Math.max(0, two - one);
}

export function isTls(handshake: Handshake): boolean {
  return handshake === 'tls' || handshake === 'tls resumed';
}

/** The dearest engine that was measured, or what is assumed. */
export function backplaneOf({ backplanes }: Figures): { readonly outMicros: number; readonly inMicros: number } {
  if (backplanes.length === 0) return ASSUMED_BACKPLANE;
  return {
    outMicros: Math.max(...backplanes.map(({ outMicros }) => outMicros)),
    inMicros: Math.max(...backplanes.map(({ inMicros }) => inMicros)),
  };
}

export function memoryOf({ memory }: Figures, isSecure: boolean): MemoryFigure {
  return (
    memory.find((figure) => figure.isSecure === isSecure) ?? missing(`the memory of connections${tlsText(isSecure)}`)
  );
}

export function handshakeOf({ handshakes }: Figures, kind: Handshake): HandshakeFigure {
  return handshakes.find((figure) => figure.kind === kind) ?? missing(`handshakes (${kind})`);
}

/** Of a small and of a large message, to the same, largest, number of subscribers. */
export function plainDeliveries({ deliveries }: Figures): readonly [DeliveryFigure, DeliveryFigure] {
  const plain = deliveries.filter(({ isSecure }) => !isSecure);
  const most = Math.max(...plain.map(({ subscribers }) => subscribers));
  const [small, large] = plain.filter(({ subscribers }) => subscribers === most).sort((a, b) => a.bytes - b.bytes);
  if (small === undefined || large === undefined) return missing('deliveries of two sizes');
  for (const { micros } of [small, large]) known(micros, 'deliveries');
  return [small, large];
}

function secureDelivery({ deliveries }: Figures): DeliveryFigure {
  return deliveries.find(({ isSecure }) => isSecure) ?? missing('deliveries with TLS');
}

/** What could not be measured is null in the file. */
function known(figure: number | null, what: string): number {
  return figure === null || Number.isNaN(figure) ? missing(what) : figure;
}

function missing(what: string): never {
  throw new MissingFigure(what);
}

function tlsText(isSecure: boolean): string {
  return isSecure ? ' with TLS' : '';
}
