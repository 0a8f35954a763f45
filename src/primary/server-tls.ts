import type { ThrottledLog } from '../telemetry/throttled-log.js';
import { type CertificateDays, certificateDays } from '../tls/certificate-days.js';
import { ExpiryWarnings } from '../tls/expiry-warnings.js';
import type { TlsDescription } from '../tls/tls-description.js';
import type { TlsMaterial } from '../tls/tls-material.js';
import { TlsWatcher } from '../tls/tls-watcher.js';

export interface ServerTlsOptions {
  readonly description: TlsDescription;
  readonly log: ThrottledLog;
  /** Brings new certificates, keys and rules to all threads. */
  readonly onMaterial: (material: TlsMaterial) => void;
}

/** The certificates of a server: loaded, watched, exchanged in all threads, and warned of before they expire. */
export class ServerTls {
  readonly #watcher: TlsWatcher;
  readonly #warnings: ExpiryWarnings;

  private constructor(watcher: TlsWatcher, warnings: ExpiryWarnings) {
    this.#watcher = watcher;
    this.#warnings = warnings;
  }

  /** Loads everything. @throws ConfigError (rejects) that names the option and the file */
  static async start({ description, log, onMaterial }: ServerTlsOptions): Promise<ServerTls> {
    const warnings = new ExpiryWarnings(log);
    const watcher = await TlsWatcher.start({
      description,
      log,
      onMaterial: (material) => {
        onMaterial(material);
        warnings.watch(material);
      },
    });
    warnings.watch(watcher.material);
    return new ServerTls(watcher, warnings);
  }

  /** What is in use now. */
  get material(): TlsMaterial {
    return this.#watcher.material;
  }

  /** How long each certificate is valid. */
  get certificates(): CertificateDays[] {
    return certificateDays(this.#watcher.material, Date.now());
  }

  /**
   * Reads the files again.
   * @param description replaces that of before.
   * @throws ConfigError (rejects) if something cannot be used. Then the old certificates stay in use.
   */
  async reload(description: TlsDescription | undefined): Promise<void> {
    await this.#watcher.reload(description);
  }

  close(): void {
    this.#watcher.close();
    this.#warnings.close();
  }
}
