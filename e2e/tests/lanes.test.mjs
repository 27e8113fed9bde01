// Lanes in the browser: a broken endpoint is held and let through; everything is paused and resumed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPage, signIn, startBrowser } from '../lib/browser.mjs';
import { startReceiver } from '../lib/receiver.mjs';
import { startServer } from '../lib/server.mjs';

let server;
let browser;
let receiver;

before(async () => {
  [server, browser, receiver] = await Promise.all([
    startServer({ KAPOK_ALLOW_CIDRS: '127.0.0.0/8' }),
    startBrowser(),
    startReceiver(),
  ]);
  await server.api('POST', '/app/api/v1/webhooks', {
    name: 'Tell the door',
    type: 'User',
    event: 'Created',
    filter: "user('username').startsWith('door.')",
    url: `${receiver.url}/door`,
  });
});

after(async () => {
  await Promise.all([browser?.close(), server?.stop(), receiver?.stop()]);
});

const user = (username) =>
  server.api('POST', '/app/api/v1/users', {
    username,
    displayName: username,
    enabled: true,
  });

/** One attempt a job, and a breaker that opens at the second failure. */
async function strict() {
  const { delivery } = await server.api('GET', '/app/api/v1/delivery');
  const policy = {
    ...delivery.policy,
    attempts: 1,
    breaker: { failures: 2, openMs: 60_000, maxOpenMs: 60_000 },
  };
  await server.api('PUT', '/app/api/v1/delivery', { policy });
}

/** Waits until the server lists jobs of the webhook in a status. */
async function jobs(status, count) {
  const route = `/app/api/v1/webhookJobs?webhook=Tell+the+door&status=${status}`;
  for (let tries = 0; tries < 100; tries += 1) {
    const { webhookJobs } = await server.api('GET', route);
    if (webhookJobs.length >= count) return webhookJobs;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`There are not ${count} ${status} jobs.`);
}

test('a broken endpoint is held, which its lane and its job say, and let through', async () => {
  await strict();
  receiver.answer(503);
  for (const name of ['door.one', 'door.two']) await user(name);
  await jobs('Failed', 2);
  await user('door.three');
  const [held] = await jobs('Queued', 1);

  const { page, done } = await openPage(browser, server);
  await signIn(page);

  // Home and the lanes say who is held, and why.
  await page.getByRole('heading', { name: 'Endpoints that hold jobs back' }).waitFor();
  await page.getByRole('link', { name: 'All lanes' }).click();
  const lane = page.getByRole('row', { name: /Tell the door/ });
  await lane.getByText('Held', { exact: true }).waitFor();

  // The job that waits says so on its timeline.
  await page.goto(`/console/jobs/${held.id}`);
  const timeline = page.getByRole('list', { name: 'Timeline' });
  await timeline.getByText('Held', { exact: true }).waitFor();

  // Somebody repairs the receiver and lets the lane through.
  receiver.answer(200);
  await page.goto('/console/lanes');
  await lane.getByRole('button', { name: /^Actions for/ }).click();
  await page.getByRole('menuitem', { name: 'Let it flow now' }).click();
  await page.getByText('The lane flows again').waitFor();
  await jobs('Complete', 1);
  await done();
});

test('everything is paused, which every page says, and resumed', async () => {
  const { page, done } = await openPage(browser, server);
  await signIn(page);
  await page.goto('/console/lanes');
  await page.getByRole('button', { name: 'Pause all' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Pause all' }).click();
  await page.goto('/console/users');
  await page.getByText(/All deliveries are paused/).waitFor();
  const before = receiver.got.length;
  await user('door.paused');
  await jobs('Queued', 1);
  assert.equal(receiver.got.length, before);
  await page.getByRole('button', { name: 'Resume all' }).click();
  await page.getByText(/All deliveries are paused/).waitFor({ state: 'detached' });
  for (let tries = 0; receiver.got.length === before && tries < 100; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(receiver.got.length, before + 1);
  await done();
});
