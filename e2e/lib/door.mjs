// A webhook that tells a receiver of every new user whose name begins with `door.`, and its jobs.
import { startReceiver } from './receiver.mjs';
import { startServer } from './server.mjs';

/** Starts a server with the webhook and the receiver it tells. */
export async function startDoor() {
  const [server, receiver] = await Promise.all([
    startServer({ KAPOK_ALLOW_CIDRS: '127.0.0.0/8' }),
    startReceiver(),
  ]);
  await server.api('POST', '/app/api/v1/webhooks', {
    name: 'Tell the door',
    type: 'User',
    event: 'Created',
    filter: "user('username').startsWith('door.')",
    url: `${receiver.url}/door`,
  });
  return {
    server,
    receiver,

    /** Creates a user, which fires the webhook when the name begins with `door.`. */
    user: (username) =>
      server.api('POST', '/app/api/v1/users', {
        username,
        displayName: username,
        enabled: true,
      }),

    /** Waits until the server lists jobs of the webhook in a status. */
    async jobs(status, count) {
      const route = `/app/api/v1/webhookJobs?webhook=Tell+the+door&status=${status}`;
      for (let tries = 0; tries < 100; tries += 1) {
        const { webhookJobs } = await server.api('GET', route);
        if (webhookJobs.length >= count) return webhookJobs;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error(`There are not ${count} ${status} jobs.`);
    },

    stop: () => Promise.all([server.stop(), receiver.stop()]),
  };
}
