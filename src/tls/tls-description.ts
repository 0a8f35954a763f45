/** Whether clients are asked for a certificate, and whether they need a valid one. */
export type ClientCertificates = 'unasked' | 'optional' | 'required';

/** The versions of TLS that a server may begin with. */
export const MIN_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
export type MinVersion = (typeof MIN_VERSIONS)[number];

/** Where something in PEM comes from. */
export type PemSource =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string };

/** What is shown to clients under one name, and what they have to show. */
export interface IdentityDescription {
  /** What errors call it: `tls`, `tls.sni.example.com`. */
  readonly option: string;
  readonly cert: readonly PemSource[];
  readonly key: readonly PemSource[];
  readonly ca: readonly PemSource[];
  /** The option that `ca` is from: a name may have that of the default. */
  readonly caOption: string;
  readonly passphrase: string | undefined;
  readonly clients: ClientCertificates;
}

/** The option `tls`, checked and complete, before any file is read. It can be posted to another thread, and it holds secrets. */
export interface TlsDescription {
  readonly byDefault: IdentityDescription;
  /** By the names of the option `sni`, in lower case and as A-labels. */
  readonly byName: ReadonlyMap<string, IdentityDescription>;
  readonly minVersion: MinVersion;
  /** Undefined for those of Node. */
  readonly ciphers: string | undefined;
  /** In seconds; 0 for no resumption. */
  readonly sessionTimeout: number;
}

/** The files of a description, each once. */
export function filesOf({ byDefault, byName }: TlsDescription): string[] {
  const sources = [byDefault, ...byName.values()].flatMap(({ cert, key, ca }) => [...cert, ...key, ...ca]);
  return [...new Set(sources.flatMap((source) => (source.kind === 'file' ? [source.path] : [])))];
}
