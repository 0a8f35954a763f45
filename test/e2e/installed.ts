export { pathOf } from '../../bench/installed.js';

/** Whether programs that tests need have to be installed, as in CI: without them, the tests are left out elsewhere. */
export const arePeersRequired = Reflect.get(process.env, 'WSLOOM_TEST_PEERS') === 'required';
