/**
 * The task of the pool's threads: loads the worker, and runs it.
 *
 * It is CommonJS because the pool tries `require` first. Node 20 can require an ES module, but ends the whole process if the thread is ended
 * while it does ("v8::Module::IsGraphAsync must be used on an instantiated module"): as when a server is closed that is still starting. An
 * `import()` just stops there.
 */
export = async (task: never): Promise<unknown> => {
  const { default: work } = await import('./worker.js');
  return await work(task);
};
