// limited-echo.ts: sends each message back, and gives each connection a budget of bytes
import { defineHandler, type Upgrade } from 'wsloom';

/** What `upgrade` attaches to a connection. */
interface Account {
  readonly key: string;
  bytesLeft: number;
}

const BUDGET_BYTES = 1_000_000;

export default defineHandler<Account>({
  message(connection, message) {
    const account = connection.data;
    account.bytesLeft -= message.size;
    if (account.bytesLeft < 0) connection.close(1008, `more than ${BUDGET_BYTES} bytes`);
    else connection.send(message);
  },
});

/** A client without a key is not let in. */
export const upgrade: Upgrade = ({ headers }) => {
  const key = headers.get('x-api-key');
  if (key === undefined) return { status: 401, body: 'send a key in X-Api-Key' };
  const account: Account = { key, bytesLeft: BUDGET_BYTES };
  return { data: account };
};
