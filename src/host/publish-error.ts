/**
 * `publish` or `roomToPublish` of the package was called in a thread in which no server has started, or several have, or one of
 * another version of the package.
 */
export class PublishError extends Error {
  /** The same for every error of this class. */
  readonly code = 'WSLOOM_PUBLISH';
  override readonly name = 'PublishError';
}
