// The part of the WebAssembly JavaScript API that is used here. TypeScript has it in its DOM library only, whose other
// globals a server does not have.
declare global {
  namespace WebAssembly {
    class Memory {
      constructor(descriptor: { readonly initial: number; readonly maximum?: number });
      readonly buffer: ArrayBuffer;
    }

    class Module {
      constructor(bytes: Uint8Array);
    }

    class Instance {
      constructor(module: Module, imports?: Record<string, Record<string, unknown>>);
      readonly exports: Record<string, unknown>;
    }

    function validate(bytes: Uint8Array): boolean;
  }
}

export {};
