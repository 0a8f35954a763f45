/** `publish` or `roomToPublish` was called where it is not known what publishes: no server has started in the thread, or several have. */
export class PublishError extends Error {
  readonly code = 'WSLOOM_PUBLISH';
  override readonly name = 'PublishError';
}
