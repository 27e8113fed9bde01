// A receiver of webhooks that a test breaks and repairs.
import http from 'node:http';

/**
 * Returns `{url, got, answer(status, headers), stop}`; `got` holds the bodies that arrived.
 * A port that was free before can be asked for.
 */
export async function startReceiver(port = 0) {
  const got = [];
  let answer = { status: 200, headers: {} };
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    got.push({
      path: request.url,
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    });
    const { status, headers } = answer;
    response.writeHead(status, {
      'content-type': 'application/json',
      ...headers,
    });
    response.end(JSON.stringify({ received: got.length, ok: status < 400 }));
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    got,
    answer(status, headers = {}) {
      answer = { status, headers };
    },
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
