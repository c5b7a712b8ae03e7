// Follows a session's places with the reference clients: node follow.mjs ws|sse ADDRESS TOKEN DOCUMENT VARIABLES HOW_MANY
// It prints each answer on a line, and ends after so many.
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import WebSocket from 'ws';

const [kind, address, token, query, variables, howMany] = process.argv.slice(2);
const authorization = `Bearer ${token}`;
const client =
  kind === 'ws'
    ? createWsClient({ url: address.replace('http', 'ws') + '/graphql', webSocketImpl: WebSocket, connectionParams: { authorization }, retryAttempts: 0 })
    : createSseClient({ url: address + '/graphql/stream', headers: { authorization }, retryAttempts: 0 });

let left = Number(howMany);
for await (const answer of client.iterate({ query, variables: JSON.parse(variables) })) {
  console.log(JSON.stringify(answer));
  left -= 1;
  if (left === 0) break;
}
await client.dispose();
