import { describe, expect, test } from 'vitest';
import { HandlerModuleError } from '../../dist/host/handler-module-error.js';
import { type HandlerModule, handlerModuleOf } from '../../dist/host/module-exports.js';

const PATH = '/app/chat.mjs';

/** What a module with these exports gives. An object that `import()` gives has no prototype. */
function moduleOf(exports: Readonly<Record<string, unknown>>): HandlerModule {
  return handlerModuleOf(Object.assign(Object.create(null), exports), PATH);
}

/** What a module with these exports is refused with. */
function refusal(exports: Readonly<Record<string, unknown>>): string {
  let module: HandlerModule;
  try {
    module = moduleOf(exports);
  } catch (error) {
    expect(error).toBeInstanceOf(HandlerModuleError);
    return (error as HandlerModuleError).message;
  }
  throw new Error(`not refused: ${Object.keys(module.handler)}`);
}

describe('a handler module', () => {
  const upgrade = () => ({ status: 418 });

  class Door {
    readonly #status = 418;

    upgrade() {
      return { status: this.#status };
    }
  }

  test.each([
    ['as an export', { upgrade, default: {} }],
    ['inside of the default export', { default: { upgrade } }],
    ['of a class, with what belongs to it', { default: new Door() }],
    ['in both places, if it is one', { upgrade, default: { upgrade } }],
  ])('may have its upgrade hook %s', (_where, exports) => {
    expect(moduleOf(exports).upgrade?.({} as never)).toEqual({ status: 418 });
  });

  test('may export what it likes beside its upgrade hook, and its own hooks once more', () => {
    const open = () => {};
    const others = { open, close: 1, upgrades: [], helper() {} };
    expect(moduleOf({ ...others, default: { open } }).upgrade).toBeUndefined();
    expect(moduleOf({ upgrade, upgraded() {}, default: {} }).upgrade).toBe(upgrade);
  });

  test('may be an object of a class', () => {
    class Chat {
      message() {
        return 'of the class';
      }
    }
    expect(moduleOf({ default: new Chat() }).handler.message?.({} as never, {} as never)).toBe('of the class');
  });

  test('may be compiled to CommonJS: its exports are properties of its default export', () => {
    const handler = { message() {} };
    const compiled = Object.defineProperty({ default: handler, upgrade }, '__esModule', { value: true });
    expect(moduleOf({ default: compiled })).toEqual({ handler, upgrade });
    expect(moduleOf({ default: compiled, upgrade })).toEqual({ handler, upgrade });
  });
});

describe('a handler module that cannot be used is refused with an error that names it and says why:', () => {
  test('it has no default export', () => {
    expect(refusal({ handler: { message() {} } })).toBe(
      `the handler module ${PATH} must have a default export: defineHandler({ message(connection, message) { … } })`,
    );
  });

  test('its default export is a promise of a handler', () => {
    expect(refusal({ default: Promise.resolve({ message() {} }) })).toBe(
      `the default export of ${PATH} is a promise, and must be a handler: await it in the module, export default await …`,
    );
  });

  test.each([[null], [42], ['text'], [() => {}], [[]]])('its default export is %j', (value) => {
    expect(refusal({ default: value })).toContain('must have a default export');
  });

  test('its default export has a property that is no hook', () => {
    expect(refusal({ default: { onmessage() {} } })).toBe(
      `the default export of ${PATH} has a property 'onmessage' that is no hook; hooks are open, message, drain, close, backplane and upgrade (did you mean message?)`,
    );
  });

  test.each([
    ['text', 'string'],
    [{}, 'object'],
    [null, 'null'],
    [1, 'number'],
  ])('a hook is %j', (value, found) => {
    expect(refusal({ default: { message: value } })).toBe(
      `the hook 'message' of ${PATH} must be a function, got ${found}`,
    );
  });

  test.each([
    ['verifyClient', 'upgrade'],
    ['mesage', 'message'],
    ['Open', 'open'],
  ])('it has a hook %s, which may mean %s', (name, meant) => {
    expect(refusal({ default: { [name]() {} } })).toContain(
      `has a property '${name}' that is no hook; hooks are open, message, drain, close, backplane and upgrade (did you mean ${meant}?)`,
    );
  });

  test.each(['verifyClient', 'allowRequest', 'VerifyClient'])(
    'it is an object of a class with a method %s, which nobody would ask',
    (name) => {
      class Base {}
      Object.assign(Base.prototype, { [name]: () => false });
      class Chat extends Base {
        message() {}
        helper() {}
      }
      expect(refusal({ default: new Chat() })).toContain(`has a property '${name}' that is no hook`);
    },
  );

  test.each(['verifyClient', 'handleProtocols', 'allowRequest', 'onUpgrade', 'upgarde', 'Upgrade'])(
    'it exports %s, which nobody would ask',
    (name) => {
      expect(refusal({ default: {}, [name]: () => false })).toBe(
        `the export '${name}' of ${PATH} is not called: connections are accepted or refused by the export 'upgrade'`,
      );
    },
  );

  test('it exports verifyClient beside upgrade', () => {
    expect(refusal({ default: {}, upgrade() {}, verifyClient: () => false })).toContain("the export 'verifyClient'");
  });

  test.each(['open', 'message', 'drain', 'close'])('it exports %s beside its handler', (name) => {
    expect(refusal({ default: {}, [name]() {} })).toBe(
      `the export '${name}' of ${PATH} is not called: put it into the default export, defineHandler({ ${name}(…) { … } })`,
    );
  });

  test('it has two upgrade hooks', () => {
    expect(refusal({ default: { upgrade() {} }, upgrade() {} })).toBe(
      `${PATH} has two hooks 'upgrade', an export and one inside of the default export: only one can decide`,
    );
  });

  test.each([
    [null, 'null'],
    [{}, 'object'],
    [false, 'boolean'],
  ])('its upgrade hook inside of the default export is %j', (value, found) => {
    expect(refusal({ default: { upgrade: value } })).toBe(
      `the hook 'upgrade' of ${PATH} must be a function, got ${found}`,
    );
  });

  test.each([
    [null, 'null'],
    [{ subprotocol: 'chat' }, 'object'],
  ])('its upgrade hook is %j', (value, found) => {
    expect(refusal({ default: {}, upgrade: value })).toBe(
      `the export 'upgrade' of ${PATH} must be a function, got ${found}`,
    );
  });
});
